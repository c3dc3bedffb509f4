"""What an HTTP method takes, said once beside it: the handler checks it, and the API's description is made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

Method = TypeVar("Method", bound=Callable[..., Any])


class Endpoint(Struct, frozen=True, kw_only=True):
    """What a method of a handler takes, and the status of an answer that went well."""

    body: type | None = None
    """A Struct for JSON; bytes for anything."""
    query: type | None = None
    """A Struct, each of whose fields is a parameter."""
    headers: tuple[str, ...] = ()
    """Headers that mean something here."""
    status: int = 200
    media: tuple[str, ...] = ("application/json",)
    """The types that an answer may have."""
    anonymous: bool = False
    """Whether it needs no sign-in."""


def endpoint(
    *,
    body: type | None = None,
    query: type | None = None,
    headers: tuple[str, ...] = (),
    status: int = 200,
    media: tuple[str, ...] = ("application/json",),
    anonymous: bool = False,
) -> Callable[[Method], Method]:
    """Say what a method of a `Handler` takes. Its docstring is its summary in the API's description."""
    said = Endpoint(body=body, query=query, headers=headers, status=status, media=media, anonymous=anonymous)

    def mark(method: Method) -> Method:
        method.__endpoint__ = said  # type: ignore[attr-defined]
        return method

    return mark


def endpoint_of(method: Callable[..., Any] | None) -> Endpoint | None:
    """What a method says of itself, if anything."""
    return getattr(method, "__endpoint__", None)
