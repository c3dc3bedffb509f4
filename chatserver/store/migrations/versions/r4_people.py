"""Revision 4: sessions say where they are from and when they end, accounts can be waiting or disabled, and invites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    op.add_column("user", sa.Column("state", sa.String))
    for column in (
        sa.Column("ends", sa.Float),
        sa.Column("created", sa.Float),
        sa.Column("used", sa.Float),
        sa.Column("address", sa.String),
        sa.Column("client", sa.String),
        sa.Column("name", sa.String),
        sa.Column("scopes", sa.Text),
    ):
        op.add_column("token", column)
    op.create_table(
        "invite",
        sa.Column("code", sa.String, nullable=False),
        sa.Column("by_id", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("uses_left", sa.Integer, nullable=False),
        sa.Column("rooms", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("invite_by", "invite", ["by_id"])
    conn = op.get_bind()
    conn.execute(sa.text("UPDATE meta SET value = '4' WHERE key = 'revision'"))
