"""The command ``chatserver``."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import __version__
from ..accounts.accounts import Accounts
from ..config import Settings, load
from ..delivery.send import choose as choose_send
from ..delivery.send import send_in_python
from ..model import names
from ..model.errors import ConfigError, PluginError, Reject
from ..model.values import ROLES, Role, User
from ..plugins.host import PluginHost
from ..store import Store
from ..store import accounts as people
from ..store.engine import database_file
from .server import ChatServer

T = TypeVar("T")

log = logging.getLogger(__name__)

MISTAKE = 2
EXIT_SECONDS = 2.0
"""How long the process lives after its server has stopped."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The settings file. Without this option ./config.yaml, if there is one, else the built-in defaults.",
)


@click.group()
@click.version_option(__version__, prog_name="chatserver")
def commands() -> None:
    """A self-hosted chat server in which every feature is a plugin."""


def main() -> None:
    """Run the command line; a mistake in the settings or a plugin is a line on standard error and exit code 2."""
    # What is made here, other users of the machine can't read.
    os.umask(0o077)
    try:
        commands()
    except (ConfigError, PluginError) as error:
        click.echo(f"chatserver: {error}", err=True)
        sys.exit(MISTAKE)
    except Reject as error:
        click.echo(f"chatserver: {error.message}", err=True)
        sys.exit(1)


def _file(config: Path | None) -> Path | None:
    here = Path("config.yaml")
    return here if config is None and here.is_file() else config


def _settings(config: Path | None) -> Settings:
    return load(_file(config), os.environ)


# Running


@commands.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the server."""
    # Until it can reload: the default for this signal ends the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Decided once: a file that is away when the settings are read again is a mistake, not the defaults.
    config = _file(config)
    settings = _settings(config)
    _log_to_stderr(settings)
    _run_to_end(_serve(settings, config))


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


async def _serve(settings: Settings, config: Path | None) -> None:
    server = ChatServer(settings)
    await server.start()
    stop = _on_signal()
    _reload_on_hangup(server, config)
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
    await stop.wait()
    late = _end_within(server.timeouts.stop, "the server did not stop", 1)
    await server.stop()
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


def _reload_on_hangup(server: ChatServer, config: Path | None) -> None:
    """Read the settings again at each SIGHUP. What is wrong with them is logged, and nothing is changed."""
    tasks: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        try:
            await server.reload(_settings(config))
        except (ConfigError, PluginError) as error:
            log.error("nothing was reloaded: %s", error)

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


def _json_lines(handler: logging.Handler) -> logging.Formatter:
    """A formatter that makes each line an object; what is passed as ``extra`` becomes further fields."""
    # It would take a twentieth of the start of those who log as text.
    from pythonjsonlogger.json import JsonFormatter

    def lower(record: logging.LogRecord) -> bool:
        record.level = record.levelname.lower()
        return True

    handler.addFilter(lower)
    formatter = JsonFormatter(
        ["asctime", "level", "name", "message"],
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        rename_fields={"asctime": "time", "name": "logger", "exc_info": "error"},
        json_ensure_ascii=False,
    )
    formatter.converter = time.gmtime
    return formatter


def _log_to_stderr(settings: Settings) -> None:
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(_json_lines(handler) if settings.log.format == "json" else text)
    logging.basicConfig(level=settings.log.level.upper(), handlers=[handler])
    # Tornado's own line for each request; ours says more, at the level debug.
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    # Alembic tells of its own plugins; the store says what is brought over.
    logging.getLogger("alembic").setLevel(logging.WARNING)


# Looking


@commands.command()
@config_option
def check(config: Path | None) -> None:
    """Check the settings and the plugins without listening."""
    settings = _settings(config)
    host = PluginHost(settings)
    host.load()
    click.echo(f"The settings are right, and so are {len(host.current.plugins)} plugins.")
    if choose_send(settings.server.compiled) is not send_in_python:
        click.echo("Messages are sent by compiled code.")
    elif settings.server.compiled:
        click.echo("Messages are sent by Python code: there was no C compiler at installation.")
    else:
        click.echo("Messages are sent by Python code, as server.compiled says.")


@commands.command()
@config_option
def plugins(config: Path | None) -> None:
    """List the plugins: which are found, which are enabled in which order, their hooks and commands."""
    host = PluginHost(_settings(config))
    host.load()
    for number, plugin in enumerate(host.current.plugins, 1):
        hooks = sorted({hook for name, hook in host.stats if name == plugin.name})
        own = [f"/{command.name}" for command in host.current.commands if command.plugin == plugin.name]
        click.echo(f"{number}. {plugin.name}")
        click.echo(f"   hooks:    {', '.join(hooks) or '-'}")
        click.echo(f"   commands: {' '.join(own) or '-'}")
    enabled = {plugin.name for plugin in host.current.plugins}
    for found in host.found():
        if found.name not in enabled:
            click.echo(f"-  {found.name} (not enabled; {found.where})")


# People


@commands.group()
def user() -> None:
    """Manage accounts, beside a running server too."""


def _with_accounts(function: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """Run an async command with the accounts of the server that ``--config`` describes."""

    @functools.wraps(function)
    def run(config: Path | None, **arguments: Any) -> T:
        return asyncio.run(_run(function, _settings(config), arguments))

    return run


async def _run(function: Callable[..., Awaitable[T]], settings: Settings, arguments: dict[str, Any]) -> T:
    path = database_file(settings.store.url, settings.data_dir)
    if path is None:
        raise ConfigError("accounts in memory are gone at the end; nothing to manage", path="store.url")
    if not path.exists():
        raise ConfigError(f"there is no database {path} (yet); start the server first, or name its --config")
    store = Store.open(settings.store.url, settings.data_dir, settings.store.durability, running=False)
    accounts = Accounts(store, settings.auth)
    try:
        with store.failures.as_mistake(str(path)):
            return await function(store, accounts, **arguments)
    finally:
        accounts.close()
        store.close()


_role = click.option("--role", type=click.Choice(ROLES[1:]), default="member", show_default=True)
_password = click.password_option(help="Asked for when it is not given.")


@user.command("add")
@click.argument("name")
@_password
@_role
@config_option
@_with_accounts
async def user_add(store: Store, accounts: Accounts, name: str, password: str, role: Role) -> None:
    """Add an account."""
    added = await accounts.add(name, password, role)
    click.echo(f"{added.name} was added as {added.role}.")


@user.command("list")
@config_option
@_with_accounts
async def user_list(store: Store, accounts: Accounts) -> None:
    """List the accounts."""
    for found in await store.read(people.users):
        click.echo(f"{found.name}\t{found.role}")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES[1:]))
@config_option
@_with_accounts
async def user_role(store: Store, accounts: Accounts, name: str, role: Role) -> None:
    """Give an account another role."""
    found = await _account(store, name)
    await accounts.set_role(found, role)
    click.echo(f"{found.name} is {role} now.")


@user.command("passwd")
@click.argument("name")
@_password
@config_option
@_with_accounts
async def user_passwd(store: Store, accounts: Accounts, name: str, password: str) -> None:
    """Set another password, and end all sessions of the account."""
    found = await _account(store, name)
    await accounts.set_password(found, password)
    click.echo(f"{found.name} has a new password; all sessions have ended.")


async def _account(store: Store, name: str) -> User:
    """The account of exactly this name but for case: a look-alike may be another user. Raises `Reject`."""
    wanted = names.user_name(name).casefold()
    for found in await store.read(people.users):
        if found.name.casefold() == wanted:
            return found
    raise Reject(f"There is no account called {name!r}.", "not_found")
