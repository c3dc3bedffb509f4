"""A server in a process of its own, as an admin runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from .client import Client
from .settings import Plugins, TestStore, write_settings

SECONDS = 60.0


class ServerProcess:
    """``async with ServerProcess(folder, plugins=["emoji"]) as server``: for what only a process can do, such as die.

    The options are those of `Harness`, but that without ``plugins`` it has those that every server has by itself; and
    ``options``, further words of the command, and ``start_seconds``, in which it has to listen. The log of messages is
    in a file; so is what the server writes to standard error, see `errors`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Plugins | None = None,
        settings: Mapping[str, Any] | None = None,
        dirs: Sequence[Path] = (),
        options: Sequence[str] = (),
        start_seconds: float = SECONDS,
    ) -> None:
        self._store = TestStore("sqlite:")
        self.config = write_settings(folder, plugins=plugins, settings=settings, dirs=dirs, store=self._store)
        self.url = ""
        """Where it listens; with ``port: 0`` somewhere else after every start."""
        self._options = tuple(options)
        self._start_seconds = start_seconds
        self._errors = folder / "errors.txt"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._store.drop()

    async def start(self) -> None:
        """Start it, again too; returns once it listens. Raises AssertionError or TimeoutError, with no process left."""
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "chatserver", "serve", "--config", str(self.config), *self._options),
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={"PATH": os.environ["PATH"]},
            )
        try:
            line = await self.line(self._start_seconds)
            assert "listens on" in line, line + self.errors()
        except BaseException:
            # `__aexit__` isn't called when `__aenter__` fails.
            await self.kill()
            raise
        self.url = line.split()[-1]

    async def line(self, seconds: float = SECONDS) -> str:
        """The next line that it prints. Raises TimeoutError."""
        assert self._process.stdout is not None
        return (await asyncio.wait_for(self._process.stdout.readline(), seconds)).decode()

    def errors(self) -> str:
        """What it has written to standard error so far."""
        return self._errors.read_text()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self, seconds: float = SECONDS) -> int | None:
        """Wait for it to end; returns its exit code."""
        # To the end of its output too: the pipe belongs to the loop.
        await asyncio.wait_for(self._process.communicate(), seconds)
        return self._process.returncode

    async def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process.returncode is None:
            self.signal(signal.SIGKILL)
        await self.ended()

    async def client(self, **hello: Any) -> Client:
        """A socket that has said hello."""
        client = self.socket()
        await client.hello(**hello)
        return client

    def socket(self, path: str = "/ws") -> Client:
        """A socket that is not open yet."""
        return Client(self.url.replace("http", "ws", 1) + path)
