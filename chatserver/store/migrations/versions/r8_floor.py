"""Revision 8: up to where a room's history is gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8"
down_revision = "7"


def upgrade() -> None:
    op.add_column("room", sa.Column("floor", sa.BigInteger, nullable=False, server_default="0"))
    op.get_bind().execute(sa.text("UPDATE meta SET value = '8' WHERE key = 'revision'"))
