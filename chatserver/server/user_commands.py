"""``chatserver user``: accounts, beside a running server too."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..accounts.accounts import Accounts
from ..accounts.credentials import Credentials
from ..chat.account_admin import set_state
from ..config import Settings
from ..model import names
from ..model.errors import Reject
from ..model.values import AccountState, User
from ..store import Store
from ..store import accounts as people
from .options import config_option, read_settings

T = TypeVar("T")


@click.group()
def user() -> None:
    """Manage accounts, beside a running server too."""


def with_accounts(function: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """Run an async command with the accounts of the server that ``--config`` describes."""

    @functools.wraps(function)
    def run(config: Path | None, **arguments: Any) -> T:
        return asyncio.run(_run(function, read_settings(config), arguments))

    return run


async def _run(function: Callable[..., Awaitable[T]], settings: Settings, arguments: dict[str, Any]) -> T:
    store = Store.open_existing(settings.store.url, settings.data_dir, settings.store.durability, "beside")
    accounts = Accounts(store, settings.auth)
    try:
        with store.failures.as_mistake(store.name):
            return await function(store, accounts, **arguments)
    finally:
        accounts.close()
        store.close()


_role = click.option("--role", default="member", show_default=True)
_password = click.password_option(help="Asked for when it is not given.")


@user.command("add")
@click.argument("name")
@_password
@_role
@config_option
@with_accounts
async def user_add(store: Store, accounts: Accounts, name: str, password: str, role: str) -> None:
    """Add an account."""
    added = await accounts.add(name, password, role)
    click.echo(f"{added.name} was added as {added.role}.")


@user.command("list")
@config_option
@with_accounts
async def user_list(store: Store, accounts: Accounts) -> None:
    """List the accounts."""
    for found in await store.read(people.accounts):
        state = "" if found.state == "active" else f"\t{found.state}"
        click.echo(f"{found.user.name}\t{found.user.role}{state}")


@user.command("role")
@click.argument("name")
@click.argument("role")
@config_option
@with_accounts
async def user_role(store: Store, accounts: Accounts, name: str, role: str) -> None:
    """Give an account another role."""
    found = await _account(store, name)
    await accounts.set_role(found, role)
    click.echo(f"{found.name} is {role} now.")


@user.command("passwd")
@click.argument("name")
@_password
@config_option
@with_accounts
async def user_passwd(store: Store, accounts: Accounts, name: str, password: str) -> None:
    """Set another password, and end all sessions of the account."""
    found = await _account(store, name)
    await Credentials(store, accounts).set_password(found, password)
    click.echo(f"{found.name} has a new password; all sessions have ended.")


def _state_command(name: str, state: AccountState, done: str, help: str) -> None:
    @with_accounts
    async def run(store: Store, accounts: Accounts, name: str) -> None:
        found = await _account(store, name)
        await set_state(store, found, state)
        click.echo(f"{found.name} {done}")

    user.command(name, help=help)(click.argument("name")(config_option(run)))


_state_command(
    "approve",
    "active",
    "may sign in now.",
    "Let an account in that has been registered and waits for approval.",
)
_state_command(
    "disable", "disabled", "can't sign in any more; all sessions have ended.", "Shut an account out."
)
_state_command("enable", "active", "may sign in again.", "Let a disabled account in again.")


@user.command("reset")
@click.argument("name")
@config_option
@with_accounts
async def user_reset(store: Store, accounts: Accounts, name: str) -> None:
    """Print the end of a link with which the account's owner sets another password, once, within a day."""
    found = await _account(store, name)
    token = await accounts.tokens.issue(found, "reset")
    click.echo(f"Open the server's address with this after it: /#reset={token}")


async def _account(store: Store, name: str) -> User:
    """The account of exactly this name but for case: a look-alike may be another user. Raises `Reject`."""
    wanted = names.user_name(name).casefold()
    for found in await store.read(people.accounts):
        if found.user.name.casefold() == wanted:
            return found.user
    raise Reject(f"There is no account called {name!r}.", "not_found")
