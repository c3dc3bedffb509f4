"""Revision 7: addresses from which no new guests come for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    op.create_table(
        "address_ban",
        sa.Column("network", sa.String, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("by_id", sa.String, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.get_bind().execute(sa.text("UPDATE meta SET value = '7' WHERE key = 'revision'"))
