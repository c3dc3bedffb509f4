"""Send the same bytes to many sockets at once: compiled where a C compiler was there at installation, else in Python.

Both do the same, and the tests hold them to it. Compiled, it is one call for all, without the interpreter's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Protocol, TypeVar


class HasDescriptor(Protocol):
    """What can be sent to by file descriptor."""

    @property
    def fd(self) -> int:
        """The descriptor of its non-blocking socket, or -1 while nothing may be sent past what waits for it."""


T = TypeVar("T", bound=HasDescriptor)

SendToAll = Callable[[tuple[T, ...], bytes], list[tuple[T, int]]]
"""Sends ``data`` to each outlet with a descriptor. Returns those that did not take all of it, each with the number of
bytes that it took, or -1 for those without descriptor and those where it failed."""


def send_in_python(outlets: tuple[T, ...], data: bytes) -> list[tuple[T, int]]:
    """`SendToAll`, with a system call of Python's for each."""
    size, rest, write = len(data), [], os.write
    for outlet in outlets:
        fd, taken = outlet.fd, -1
        if fd >= 0:
            try:
                taken = write(fd, data)
            except OSError:
                taken = -1
        if taken != size:
            rest.append((outlet, taken))
    return rest


def compiled() -> SendToAll[T] | None:
    """`SendToAll`, compiled; None where it could not be compiled."""
    try:
        function: SendToAll[T] = import_module("._send", __package__).send_to_all
    except ImportError:
        return None
    return function


def choose(allow_compiled: bool) -> SendToAll[T]:
    """The compiled one where it is there and allowed, else the one in Python."""
    return (compiled() if allow_compiled else None) or send_in_python
