"""The command line: one server for a database, accounts where they are, mistakes told in a line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatserver.accounts.accounts import Accounts
from chatserver.config import load
from chatserver.config.settings import DEFAULT_PLUGINS, Auth
from chatserver.delivery.send import compiled
from chatserver.model.errors import ConfigError, Reject
from chatserver.model.values import User
from chatserver.server import cli
from chatserver.server.server import ChatServer
from chatserver.store import Store
from chatserver.store import accounts as people

SETTINGS = "server: {port: 0}\ndata_dir: kept\nstore: {durability: normal}\n"


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with settings in it."""
    (tmp_path / "config.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> str:
    """What a command prints. Raises what it raises."""
    return CliRunner().invoke(cli.commands, list(args), catch_exceptions=False).output


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        ("true", "compiled code." if compiled() else "Python code: there was no C compiler at installation."),
        ("false", "Python code, as server.compiled says."),
    ],
)
def test_check_says_how_messages_are_sent(here: Path, allowed: str, said: str) -> None:
    path = here / "config.yaml"
    path.write_text(SETTINGS.replace("{port: 0}", f"{{port: 0, compiled: {allowed}}}"), encoding="utf-8")
    assert call("check").splitlines() == [
        f"The settings are right, and so are {len(DEFAULT_PLUGINS)} plugins.",
        f"Messages are sent by {said}",
    ]


def a_database(here: Path, *names: str, guests: tuple[str, ...] = ()) -> None:
    """A database with accounts, and guests, in it."""

    async def make() -> None:
        settings = load(here / "config.yaml", {})
        store = Store.open(settings.store.url, settings.data_dir, "normal")
        accounts = Accounts(store, Auth(guest_days=1, session_days=1))
        try:
            for name in names:
                await accounts.add(name, "correct horse", "member")
            for name in guests:
                guest = User(f"g{name}", name, name)
                await store.write(lambda conn, user=guest: people.create_user(conn, user, user.name, 0.0))
        finally:
            accounts.close()
            store.close()

    asyncio.run(make())


# ---- which settings


def test_the_settings_of_the_current_folder_are_taken(here: Path) -> None:
    a_database(here, "dora")
    assert call("user", "list") == "dora\tmember\n"


def test_a_named_file_goes_before_that_of_the_current_folder(here: Path) -> None:
    a_database(here, "dora")
    (here / "other.yaml").write_text("data_dir: elsewhere\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=str(here / "elsewhere" / "chat.db")):
        call("user", "list", "--config", "other.yaml")


def test_the_help_says_which_settings_are_taken() -> None:
    assert "./config.yaml" in " ".join(call("serve", "--help").split())


# ---- the database


@pytest.mark.parametrize(
    "command",
    [
        ("user", "list"),
        ("user", "add", "dora", "--password", "correct horse"),
        ("user", "role", "dora", "admin"),
        ("user", "passwd", "dora", "--password", "correct horse"),
    ],
)
def test_accounts_are_not_managed_where_there_is_no_database(here: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=str(here / "kept" / "chat.db")):
        call(*command)
    assert not (here / "kept").exists()


async def test_a_database_has_one_server(here: Path) -> None:
    settings = load(here / "config.yaml", {})
    first = ChatServer(settings)
    await first.start()
    try:
        with pytest.raises(ConfigError, match=f"another server uses .*{here / 'kept'}"):
            await ChatServer(settings).start()
        tool = Store.open("sqlite:", settings.data_dir, use="beside")
        assert await tool.read(people.accounts) == []
        tool.close()
    finally:
        await first.stop()
    second = ChatServer(settings)
    await second.start()
    await second.stop()


@pytest.mark.parametrize("command", [("serve",), ("user", "list")])
def test_a_file_that_is_no_database_is_told_in_a_line(here: Path, command: tuple[str, ...]) -> None:
    (here / "kept").mkdir(mode=0o700)
    (here / "kept" / "chat.db").write_bytes(b"These are notes, not a database.\n" * 100)
    ran = subprocess.run(
        [sys.executable, "-m", "chatserver", *command], cwd=here, capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == cli.MISTAKE
    (line,) = ran.stderr.splitlines()
    assert str(here / "kept" / "chat.db") in line
    assert "not a database" in line


# ---- accounts by name


def test_a_look_alike_is_not_the_account(here: Path) -> None:
    a_database(here, "dora")
    for command in (("role", "D0RA", "admin"), ("passwd", "D0RA", "--password", "another horse")):
        with pytest.raises(Reject, match="no account called 'D0RA'"):
            call("user", *command)
    assert call("user", "list") == "dora\tmember\n"


def test_a_guest_has_no_password_and_no_role(here: Path) -> None:
    a_database(here, guests=("gus",))
    for command in (("role", "gus", "admin"), ("passwd", "gus", "--password", "another horse")):
        with pytest.raises(Reject, match="no account called 'gus'"):
            call("user", *command)
    assert call("user", "list") == ""


def test_an_account_is_found_in_any_case_and_told_by_its_own_name(here: Path) -> None:
    a_database(here, "Dora")
    assert call("user", "role", "dORA", "admin") == "Dora is admin now.\n"
    assert call("user", "passwd", "DORA", "--password", "another horse").startswith("Dora has a new password")
    assert call("user", "list") == "Dora\tadmin\n"
