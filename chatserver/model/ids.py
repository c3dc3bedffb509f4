"""Ids, and which names could be taken for one."""

from __future__ import annotations

import re
import secrets

SYSTEM_ID = "system"
"""The id of the user in whose name the server itself acts."""

_FORM = re.compile(rf"[um][0-9a-f]{{16,31}}|{SYSTEM_ID}")


def new_user_id() -> str:
    """An id with 64 random bits: ``u`` and 16 hexadecimal digits."""
    return "u" + secrets.token_hex(8)


def is_id_form(folded: str) -> bool:
    """Whether a text without upper case has the form of a user's or a message's id."""
    return _FORM.fullmatch(folded) is not None
