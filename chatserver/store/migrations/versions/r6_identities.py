"""Revision 6: accounts of users for whom another site vouches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.create_index("identity_user", "identity", ["user_id"])
    conn = op.get_bind()
    conn.execute(sa.text("UPDATE meta SET value = '6' WHERE key = 'revision'"))
