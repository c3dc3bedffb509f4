"""The test kit: a real server on a free port, clients on real sockets, conversations as text files.

In ``conftest.py`` say ``pytest_plugins = ["chatserver.testing"]``, then::

    async def test_party(chat):
        async with chat(plugins=["emoji"]) as server:
            alice, bob = await server.join("general", "alice", "bob")
            await alice.says(":tada:")
            assert (await bob.hears()).content == "🎉"

``async def`` tests need pytest-tornasync. What is imported from here works without pytest too, for bots and scripts.
"""

from __future__ import annotations

from .client import Client, Heard, Refused
from .clock import Clock
from .harness import Harness
from .http_client import HttpClient
from .process import ServerProcess
from .transcript import run_transcript

__all__ = ["Client", "Clock", "Harness", "Heard", "HttpClient", "Refused", "ServerProcess", "run_transcript"]

# Read by pytest alone, when a conftest.py names this package.
pytest_plugins = ["chatserver.testing.fixtures"]
