"""The test kit: a real server on a free port, clients on real sockets, conversations as text files.

In ``conftest.py`` say ``pytest_plugins = ["chatserver.testing"]``, then::

    async def test_party(chat):
        async with chat(plugins=["emoji"]) as server:
            alice, bob = await server.join("general", "alice", "bob")
            await alice.says(":tada:")
            assert (await bob.hears()).content == "🎉"

``async def`` tests need pytest-tornasync.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .client import Client, Heard, Refused
from .harness import Harness
from .transcript import run_transcript

__all__ = ["Client", "Harness", "Heard", "Refused", "chat", "run_transcript"]


@pytest.fixture
def chat(tmp_path: Path) -> Callable[..., Harness]:
    """Makes servers: ``chat(plugins=…, settings=…)``, see `Harness`."""

    def make(**options: object) -> Harness:
        return Harness(tmp_path, **options)  # type: ignore[arg-type]

    return make
