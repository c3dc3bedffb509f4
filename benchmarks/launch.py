"""What a server is to the benchmark: a name, what it speaks, and how it is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Launch:
    """One start: where to listen, a fresh folder, and how many rooms will be used (room0, room1 …)."""

    port: int
    folder: Path
    rooms: int
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of this scenario, for chatserver only."""


@dataclass(frozen=True)
class Server:
    """A server that can be measured.

    ``command`` may raise `benchmarks.build.NotHere`: the server is then named and left out.
    """

    name: str
    dialect: str
    keeps: str
    """What is kept of a message when the power goes, in a word."""
    command: Callable[[Launch], Sequence[str]]
    version: Callable[[], str] = lambda: ""
