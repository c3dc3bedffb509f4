"""``chatserver serve --processes N``: a parent that starts, watches, replaces and stops the processes of one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..config import Settings
from ..model.errors import ConfigError
from ..web.figures import merged
from ..web.listener import listening_sockets
from .child import Child
from .control import FIGURES, RELOAD, SETUP, Control, Work, ask
from .erase_command import ERASE
from .lifecycle import PeriodicTasks
from .nodes_command import NODES
from .permission_commands import PERMISSION
from .plugin_list import RUNNING, WHY
from .rebuild_command import LEFT, REBUILD
from .retention_command import RETENTION
from .server import address_of
from .service_manager import ServiceManager
from .slot import START_SECONDS, Slot

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


def check_settings(settings: Settings) -> None:
    """Raises ConfigError where the settings are for one process alone."""
    if not settings.store.url.startswith(("postgresql:", "postgres:")):
        raise ConfigError(
            "several processes need PostgreSQL: this database is for one process alone", path="store.url"
        )
    if not settings.bus.url:
        raise ConfigError("several processes need a Redis, by which they hear of each other", path="bus.url")


_OF_ONE = RUNNING, REBUILD, LEFT, WHY, PERMISSION, RETENTION, ERASE, NODES
"""What is asked of one process, as all would answer the same."""


class Processes:
    """``count`` processes for ``settings``, started with ``words``; ``check()`` raises ConfigError where the settings
    are no good any more. Raises ConfigError where the port can't be had."""

    def __init__(
        self, settings: Settings, count: int, words: Sequence[str], check: Callable[[], object]
    ) -> None:
        self._settings = settings
        self._words = tuple(words)
        self._check = check
        self._number = 0
        # Not shared, so that another program on the port is noticed.
        probes = listening_sockets(settings.server.host, settings.server.port)
        self._port = int(probes[0].getsockname()[1])
        for each in probes:
            each.close()
        self._slots = [Slot(self._bind, partial(self._make, place)) for place in range(1, count + 1)]
        self._folder = Path(tempfile.mkdtemp(prefix="chatserver-"))
        self._rolling: asyncio.Task[None] | None = None
        self._again = False
        self._manager = ServiceManager()

    def _bind(self) -> list[socket.socket]:
        return listening_sockets(self._settings.server.host, self._port, shared=True)

    def _make(self, place: int, sockets: Sequence[socket.socket]) -> Child:
        self._number += 1
        return Child(self._number, place, sockets, self._folder, self._words)

    async def run(self) -> int:
        """Run them until a signal; the exit code."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave, stop)
        starting = asyncio.ensure_future(self._start())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
            code = starting.result() if starting.done() else 0
            if code == 0 and not stop.is_set():
                await self._watch(stopping)
            return code
        finally:
            self._manager.stopping()
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(*(slot.stop() for slot in self._slots))
            shutil.rmtree(self._folder, ignore_errors=True)

    def _leave(self, stop: asyncio.Event) -> None:
        if stop.is_set():
            for slot in self._slots:
                for child in slot.processes():
                    child.kill()
            os._exit(1)
        stop.set()

    async def _start(self) -> int:
        """The first one alone, as it may have tables to change, or say that the settings are wrong; its exit code."""
        first, *others = self._slots
        child = await first.start()
        if not await child.becomes_ready(START_SECONDS):
            return max(1, await child.ended())
        children = [await slot.start() for slot in others]
        for each in children:
            # One that fails is started again.
            await each.becomes_ready(START_SECONDS)
        return 0

    async def _watch(self, stopping: asyncio.Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        control, periodic = Control(self._settings.data_dir, self._answers()), PeriodicTasks()
        keeping = [loop.create_task(slot.keep()) for slot in self._slots]
        loop.add_signal_handler(signal.SIGHUP, self._roll)
        await control.start()
        await self._announce()
        self._manager.ready()
        periodic.every(LOOK_SECONDS, self._look)
        await stopping
        for task in (*keeping, *filter(None, (self._rolling,))):
            task.cancel()
        await control.stop()
        await periodic.stop()

    async def _announce(self) -> None:
        url = address_of(self._settings.server, self._port)
        click.echo(f"chatserver {__version__}, {len(self._slots)} processes, listens on {url}")
        with contextlib.suppress(ConfigError):
            click.echo(await self._ask(self._first(), SETUP), nl=False)
        sys.stdout.flush()

    async def _look(self) -> None:
        await self._manager.alive()
        for slot in self._slots:
            slot.look()

    # One after the other

    def _roll(self) -> None:
        self._again = True
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.get_running_loop().create_task(self._replace_all())

    async def _replace_all(self) -> None:
        while self._again:
            self._again = False
            try:
                self._check()
            except ConfigError as error:
                log.error("nothing was restarted: %s", error)
                return
            for slot in self._slots:
                if not await slot.replace():
                    log.error("a new process did not start: those of before go on")
                    return
            log.info("all processes were restarted")

    # What commands ask

    def _children(self) -> list[Child]:
        return [slot.child for slot in self._slots if slot.child is not None]

    def _first(self) -> Child:
        return next((child for child in self._children() if child.ready), self._children()[0])

    def _answers(self) -> dict[str, Work]:
        async def reload(_: str) -> str:
            told = [await self._ask(child, RELOAD) for child in self._children()]
            return "\n".join(dict.fromkeys(told))

        async def figures(_: str) -> str:
            texts = []
            for child in self._children():
                # One that has just ended has none.
                with contextlib.suppress(ConfigError):
                    texts.append(await self._ask(child, FIGURES))
            return merged(texts)

        def passed_on(name: str) -> Work:
            async def work(argument: str) -> str:
                return await self._ask(self._first(), f"{name} {argument}")

            return work

        asked = {name: passed_on(name) for name in _OF_ONE}
        return {RELOAD: reload, FIGURES: figures, **asked}

    async def _ask(self, child: Child, what: str) -> str:
        """What a process answers. Raises ConfigError."""
        answer = await asyncio.to_thread(ask, self._folder, what, child.control)
        if not answer.ok:
            raise ConfigError(answer.text)
        return answer.text
