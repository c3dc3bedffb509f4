"""Revision 10: whom users have blocked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"


def upgrade() -> None:
    op.create_table(
        "user_block",
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("blocked_id", sa.String, nullable=False),
        sa.Column("ts", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "blocked_id"),
    )
    op.get_bind().execute(sa.text("UPDATE meta SET value = '10' WHERE key = 'revision'"))
