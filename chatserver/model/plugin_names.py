"""What a plugin may be called: its name begins its tables' names, and names its folder."""

from __future__ import annotations

import re

from .errors import PluginError

_NAME = re.compile(r"[a-z][a-z0-9_]*")
CORE_NAMES = frozenset(
    {"address", "address_ban", "alembic", "alembic_version", "audit", "credential", "identity",
     "invite", "log", "member", "mention", "meta", "pg", "plugin",
     "plugin_follower", "plugin_job", "plugin_schema", "plugin_value", "read", "read_mark", "room",
     "room_invitation", "sanction", "signal", "sqlite", "token", "user", "user_block", "user_hidden",
     "user_hidden_room",
     "user_profile"}
)  # fmt: skip
"""The server's and the database's own tables are called so, or begin with it."""


def check_form(name: str) -> None:
    """Raises PluginError for what can't be a plugin's name."""
    if not _NAME.fullmatch(name):
        raise PluginError("a plugin's name has small letters, digits and _, and begins with a letter", name)


def check_name(name: str) -> None:
    """Raises PluginError for what no plugin may be called."""
    check_form(name)
    if name in CORE_NAMES:
        raise PluginError("no plugin can have this name: tables of the server's own begin with it", name)
