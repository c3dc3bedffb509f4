"""``chatserver serve``: the server as a process, from its settings to its last signal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
import msgspec

from .. import __version__
from ..config import Settings
from ..model.errors import ConfigError, PluginError, Reject
from ..store.choice import database
from .answers import answers, setup_line
from .child import Told
from .control import FIGURES, FILE, Control, ask
from .lifecycle import PeriodicTasks
from .logs import log_to_stderr
from .options import MISTAKE, config_option, read_settings, settings_file
from .processes import Processes, check_settings
from .server import ChatServer, Process
from .service_manager import ServiceManager
from .watching import reload_on_change

log = logging.getLogger(__name__)

ALIVE_SECONDS = 1.0
"""Between two words to a service manager that watches."""
EXIT_SECONDS = 2.0
"""How long the process lives after its server has stopped."""


@click.command()
@config_option
@click.option(
    "--reload", "watch", is_flag=True, help="Load plugins of plugins.dirs anew whenever they change."
)
@click.option(
    "--wait",
    default=60.0,
    show_default=True,
    help="So many seconds for the server of the database to be there.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="So many processes on the one port; with PostgreSQL and Redis. SIGHUP replaces one after the other.",
)
@click.option("--child", hidden=True, default="", help="What the parent of several processes says.")
def serve(config: Path | None, watch: bool, wait: float, processes: int | None, child: str) -> None:
    """Run the server."""
    # Until it can reload: the default for this signal ends the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Decided once: a file that is away when the settings are read again is a mistake, not the defaults.
    config = settings_file(config)
    settings = read_settings(config)
    node = secrets.token_hex(4) if settings.bus.url and processes is None else ""
    log_to_stderr(settings, node)
    if watch:
        # A file that is written twice in a second would not be told from its bytecode.
        sys.dont_write_bytecode = True
    if processes is not None:
        check_settings(settings)
    store = settings.store
    # Before there is a loop: a signal ends the waiting.
    database(store.url, settings.data_dir, store.durability).wait(wait)
    if processes is None:
        _run_to_end(_serve(settings, config, watch, node, _Parent(child) if child else None))
        return
    words = [
        *(("--config", str(config)) if config else ()),
        *(("--reload",) if watch else ()),
        "--wait",
        str(wait),
    ]
    parent = Processes(settings, processes, words, lambda: check_settings(read_settings(config)))
    sys.exit(asyncio.run(parent.run()))


def _run_to_end(main: Coroutine[Any, Any, None]) -> None:
    """Run ``main``. A task or callback that a plugin made by itself can end the loop (SystemExit); it goes on."""
    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(main)
        while not task.done():
            try:
                runner.get_loop().run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                # Until the server listens, an interrupt is the admin's.
                early = signal.getsignal(signal.SIGINT) is signal.default_int_handler
                if task.done() or (early and isinstance(error, KeyboardInterrupt)):
                    raise
                log.error("a task or callback of a plugin tried to end the server", exc_info=error)


class _Parent:
    """The parent of several processes, from what it says to one of them."""

    def __init__(self, told: str) -> None:
        found = msgspec.json.decode(told, type=Told)
        self.place = found.place
        self.control = Path(found.control)
        self.sockets = [socket.socket(fileno=file) for file in found.files]
        self._process = found.parent

    def is_gone(self) -> bool:
        return os.getppid() != self._process


async def _serve(
    settings: Settings, config: Path | None, watch: bool, node: str, parent: _Parent | None
) -> None:
    async def figures() -> str:
        answer = await asyncio.to_thread(ask, settings.data_dir, FIGURES)
        if not answer.ok:
            raise Reject(answer.text, "unavailable")
        return answer.text

    process = Process(node) if parent is None else Process(node, parent.sockets, parent.place, figures)
    server = ChatServer(settings, read_settings=lambda: read_settings(config), process=process)
    try:
        await server.start()
    except BaseException:
        _end_within(EXIT_SECONDS, "the start failed, but something in a plugin goes on", MISTAKE)
        raise
    stop = _on_signal()
    _reload_on_hangup(server)
    path = parent.control if parent is not None else settings.data_dir / FILE
    control = Control(path.parent, answers(server), path.name)
    await control.start()
    watching = asyncio.create_task(reload_on_change(server, settings, config)) if watch else None
    # What lives as long as the server need not be looked at by every collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    if parent is None:
        click.echo(f"chatserver {__version__} listens on {server.address}")
        click.echo(await setup_line(server), nl=False)
        sys.stdout.flush()
    else:
        log.info("listens as %s", node)
    manager, periodic = ServiceManager(), PeriodicTasks()
    manager.ready()
    periodic.every(ALIVE_SECONDS, manager.alive)

    async def look() -> None:
        if parent is not None and parent.is_gone() and not stop.is_set():
            log.error("the parent of this process is gone: it ends, too")
            shutil.rmtree(path.parent, ignore_errors=True)
            stop.set()

    periodic.every(ALIVE_SECONDS, look)
    await stop.wait()
    manager.stopping()
    late = _end_within(server.timeouts.stop, "the server did not stop", 1)
    if watching is not None:
        watching.cancel()
    await control.stop()
    await server.stop()
    await periodic.stop()
    late.cancel()
    _end_within(EXIT_SECONDS, "the server has stopped, but something in a plugin goes on", 0)


def _on_signal() -> asyncio.Event:
    """What is set by the first signal to end; the second one ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def leave() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    return stop


def _reload_on_hangup(server: ChatServer) -> None:
    """Read the settings again at each SIGHUP."""
    tasks: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        # It is in the log.
        with contextlib.suppress(ConfigError, PluginError):
            await server.reload()

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(reload())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)


def _end_within(seconds: float, why: str, code: int) -> threading.Timer:
    """End the process after so many seconds, unless the timer is cancelled.

    The interpreter itself waits for tasks and threads without end.
    """

    def end() -> None:
        log.warning("ending at once: %s", why)
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer
