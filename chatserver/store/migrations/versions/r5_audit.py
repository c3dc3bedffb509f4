"""Revision 5: an audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("ts", sa.Float, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("by_id", sa.String, nullable=False),
        sa.Column("by_name", sa.String, nullable=False),
        sa.Column("target_id", sa.String, nullable=False),
        sa.Column("target_name", sa.String, nullable=False),
        sa.Column("room", sa.String),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("audit_target", "audit", ["target_id"])
    op.create_index("audit_room", "audit", ["room"])
    op.get_bind().execute(sa.text("UPDATE meta SET value = '5' WHERE key = 'revision'"))
