"""The cookies of a session: what they are called, and the value that shows that a page of ours asks."""

from __future__ import annotations

import base64
import hashlib

XSRF_COOKIE = "_xsrf"


def session_cookie(secure: bool) -> str:
    """The name of the session's cookie. Over TLS browsers take one of this prefix from this host alone, and with no
    other path."""
    return "__Host-chat_session" if secure else "chat_session"


def xsrf_value(token: str) -> str:
    """What unsafe requests of this session repeat in their header. It doesn't tell the token."""
    digest = hashlib.sha256(b"xsrf:" + token.encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()
