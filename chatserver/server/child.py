"""One process of several that serve the same port: started, heard, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

STOP_SECONDS = 35.0
"""After so long a process that was told to stop is killed; by itself it ends within 30 seconds."""
WATCHED_USEC = "60000000"


class Told(msgspec.Struct, frozen=True):
    """What a process is told by its parent: the number of its place, which the process that replaces it has, too, the
    path of its control socket, the files of the sockets that it listens on, and the parent's process id."""

    parent: int
    place: int
    control: str
    files: list[int]


class Child:
    """``number`` counts up over all processes of a parent. It listens on ``sockets``; ``folder`` is for the one that it
    answers on, and the one on which it says how it is, as to systemd (sd_notify(3)). ``words`` are those of the
    command."""

    def __init__(
        self, number: int, place: int, sockets: Sequence[socket.socket], folder: Path, words: Sequence[str]
    ) -> None:
        self.number = number
        self.control = f"{number}-control.sock"
        self.ready = False
        self.began = self.heard = time.monotonic()
        """When it was started, and when it last said something."""
        self._place = place
        self._sockets = tuple(sockets)
        self._folder = folder
        self._words = tuple(words)
        self._is_ready = asyncio.Event()

    async def start(self) -> None:
        """Start it. Raises OSError."""
        path = self._folder / f"{self.number}-notify.sock"
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._listening.setblocking(False)
            self._listening.bind(str(path))
            self._process = await self._run(str(path))
        except BaseException:
            self._listening.close()
            raise
        asyncio.get_running_loop().add_reader(self._listening, self._hear)
        self._ended = asyncio.ensure_future(self._end())

    async def _run(self, notify: str) -> asyncio.subprocess.Process:
        files = [each.fileno() for each in self._sockets]
        told = Told(os.getpid(), self._place, str(self._folder / self.control), files)
        environment = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
        environment |= {"NOTIFY_SOCKET": notify, "WATCHDOG_USEC": WATCHED_USEC}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatserver", "serve", *self._words),
            *("--child", msgspec.json.encode(told).decode()),
            pass_fds=files,
            env=environment,
            # An interrupt from the terminal is for the parent, which tells the others.
            process_group=0,
        )

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                state = self._listening.recv(4096)
                self.heard = time.monotonic()
                if state == b"READY=1":
                    self.ready = True
                    self._is_ready.set()

    async def _end(self) -> int:
        try:
            return await self._process.wait()
        finally:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()

    async def ended(self) -> int:
        """Wait for its end; its exit code, below zero for the signal that ended it."""
        return await asyncio.shield(self._ended)

    async def becomes_ready(self, seconds: float) -> bool:
        """Wait until it listens; False where it ended before that, or took longer, and was killed."""
        ready = asyncio.ensure_future(self._is_ready.wait())
        try:
            await asyncio.wait((ready, self._ended), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.ready and not self._ended.done():
            return True
        self.kill()
        await self.ended()
        return False

    async def stop(self) -> None:
        """Let it say goodbye and end, and kill it if it doesn't."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.ended(), STOP_SECONDS)
        except TimeoutError:
            self.kill()
            await self.ended()

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
