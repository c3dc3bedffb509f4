"""Revision 11: who may add a user to rooms, invitations that wait, and hidden conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "11"
down_revision = "10"


def upgrade() -> None:
    op.add_column("user_profile", sa.Column("added_by", sa.String))
    op.create_table(
        "user_hidden_room",
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id"),
    )
    op.create_table(
        "room_invitation",
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("by_id", sa.String, nullable=False),
        sa.Column("ts", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id"),
    )
    op.create_index("room_invitation_user", "room_invitation", ["user_id"])
    op.get_bind().execute(sa.text("UPDATE meta SET value = '11' WHERE key = 'revision'"))
