"""Whom a message mentions: the members whose names stand after an ``@``, and those that plugins add."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.mentions import named_after_at
from ..model.values import User
from .members import MemberList


def mentioned(content: str, author: User, members: MemberList, added: Iterable[str] = ()) -> tuple[str, ...]:
    """The ids of the members that a text mentions, its author aside, in the order of the text; then those of the
    members among ``added``."""
    named = named_after_at(content, members.named, members.spaced) if "@" in content else ()
    also = (user_id for user_id in added if user_id in members.by_id)
    return tuple(user_id for user_id in dict.fromkeys((*named, *also)) if user_id != author.id)
