"""``chatserver serve``: the server as a process, from its settings to its last signal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec

from .. import __version__
from ..config import Settings
from ..model.errors import ConfigError, PluginError
from ..store.choice import database
from .control import Control, Work
from .lifecycle import PeriodicTasks
from .logs import log_to_stderr
from .options import MISTAKE, config_option, read_settings, settings_file
from .permission_commands import PERMISSION
from .plugin_list import RUNNING, WHY
from .retention_command import RETENTION
from .retention_command import answer as retention_answer
from .server import ChatServer
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
def serve(config: Path | None, watch: bool, wait: float) -> None:
    """Run the server."""
    # Until it can reload: the default for this signal ends the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Decided once: a file that is away when the settings are read again is a mistake, not the defaults.
    config = settings_file(config)
    settings = read_settings(config)
    log_to_stderr(settings)
    if watch:
        # A file that is written twice in a second would not be told from its bytecode.
        sys.dont_write_bytecode = True
    store = settings.store
    # Before there is a loop: a signal ends the waiting.
    database(store.url, settings.data_dir, store.durability).wait(wait)
    _run_to_end(_serve(settings, config, watch))


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


async def _serve(settings: Settings, config: Path | None, watch: bool) -> None:
    server = ChatServer(settings, read_settings=lambda: read_settings(config))
    try:
        await server.start()
    except BaseException:
        _end_within(EXIT_SECONDS, "the start failed, but something in a plugin goes on", MISTAKE)
        raise
    stop = _on_signal()
    _reload_on_hangup(server)
    control = Control(settings.data_dir, _answers(server))
    await control.start()
    watching = asyncio.create_task(reload_on_change(server, settings, config)) if watch else None
    # What lives as long as the server need not be looked at by every collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    click.echo(f"chatserver {__version__} listens on {server.address}")
    token = await server.services.accounts.setup_token()
    if token is not None:
        click.echo(
            f"There is no admin yet. Become it with this link, within a day: {server.address}/#setup={token}"
        )
    sys.stdout.flush()
    manager, periodic = ServiceManager(), PeriodicTasks()
    manager.ready()
    periodic.every(ALIVE_SECONDS, manager.alive)
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


def _answers(server: ChatServer) -> dict[str, Work]:
    """What other commands ask the running server."""

    async def reload(_: str) -> str:
        return await server.reload()

    async def plugins(_: str) -> str:
        loaded = server.host.current.plugins
        following = {each.name: await each.instance.following() for each in loaded}
        lines = [{**line, "following": following.get(line["name"], {})} for line in server.host.overview()]
        return msgspec.json.encode(lines).decode()

    async def why(message_id: str) -> str:
        return server.host.why(message_id or None)

    async def permission(asked: str) -> str:
        name, permission, room = msgspec.json.decode(asked, type=tuple[str, str, str | None])
        services = server.services
        user = await services.accounts.find(name)
        live = await services.rooms.get(room) if room is not None else None
        return await services.access.why(user, permission, live)

    return {
        "reload": reload,
        RUNNING: plugins,
        WHY: why,
        PERMISSION: permission,
        RETENTION: partial(retention_answer, server.services.retention),
    }


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
