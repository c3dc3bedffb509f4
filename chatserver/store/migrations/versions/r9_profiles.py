"""Revision 9: what users say of themselves, and the address of their picture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9"
down_revision = "8"


def upgrade() -> None:
    op.add_column("user", sa.Column("avatar", sa.String))
    op.create_table(
        "user_profile",
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("status_text", sa.String, nullable=False),
        sa.Column("status_until", sa.Float, nullable=False),
        sa.Column("held_text", sa.String),
        sa.Column("held_until", sa.Float, nullable=False),
        sa.Column("time_zone", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
    )
    op.get_bind().execute(sa.text("UPDATE meta SET value = '9' WHERE key = 'revision'"))
