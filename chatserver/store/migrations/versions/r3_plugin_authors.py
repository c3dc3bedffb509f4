"""Revision 3: plugins have users, write messages of their own, and keep values, jobs and places in the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    op.add_column("user", sa.Column("bot", sa.String))
    for column in (
        sa.Column("plugin", sa.String),
        sa.Column("display_name", sa.String),
        sa.Column("actions", sa.Text),
    ):
        op.add_column("log", column)
    op.create_table(
        "plugin_value",
        sa.Column("plugin", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("plugin", "key"),
    )
    op.create_table(
        "plugin_follower",
        sa.Column("plugin", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("plugin", "name", "room_id"),
    )
    op.create_table(
        "plugin_job",
        sa.Column("plugin", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("plugin", "id"),
    )
    conn = op.get_bind()
    conn.execute(sa.text("UPDATE meta SET value = '3' WHERE key = 'revision'"))
