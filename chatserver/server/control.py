"""The socket in the data folder by which ``chatserver reload`` asks the running server, and gets an answer."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from ..model.errors import ConfigError, PluginError, Reject

log = logging.getLogger(__name__)

FILE = "control.sock"
RELOAD = "reload"
FIGURES = "figures"
"""What is counted, of all processes on one port."""
SETUP = "setup"
"""What the parent of several processes asks one of them: the lines for the first admin."""
ADDRESS_BYTES = 100
"""A socket's path has to be shorter than about this."""
ANSWER_SECONDS = 900.0
"""How long an answer may take: migrations have ten minutes."""

Work = Callable[[str], Awaitable[str]]
"""Gets what stands after the name in what was asked."""


class Answer(msgspec.Struct, frozen=True):
    """What became of what was asked for, for people."""

    ok: bool
    text: str


class Control:
    """Answers requests by name: ``work`` has what each does. Only the server's own user can connect."""

    def __init__(self, data_dir: Path, work: Mapping[str, Work], file: str = FILE) -> None:
        self._file = file
        self._path = address(data_dir, file)
        self._work = work
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, in place of a server that has ended. What keeps it from that is logged, as a chat goes without."""
        try:
            if self._path.name != self._file:
                _make_folder(self._path.parent)
            if _is_listening(self._path):
                log.warning("another server uses %s: this one can't be reloaded by command", self._path)
                return
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, self._path)
            self._path.chmod(0o600)
        except OSError as error:
            log.warning("the server can't be reloaded by command, but by SIGHUP: %s", error)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(reader)
            # A text of a plugin's may hold what can't be encoded.
            text = answer.text.encode(errors="backslashreplace").decode()
            writer.write(msgspec.json.encode(Answer(answer.ok, text)))
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            asked = (await reader.readline()).decode(errors="replace").strip()
        except ValueError:
            return Answer(False, "What was asked for is too long.")
        name, _, argument = asked.partition(" ")
        work = self._work.get(name)
        if work is None:
            return Answer(False, f"The running server doesn't know {name!r}: it is of another version.")
        try:
            return Answer(True, await work(argument))
        except Reject as refusal:
            return Answer(False, refusal.message)
        except (ConfigError, PluginError) as error:
            return Answer(False, str(error))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except BaseException as error:
            # A plugin's SystemExit too: the command waits for an answer.
            log.exception("%s failed", name)
            return Answer(
                False, f"{name} failed: {type(error).__name__}: {error} (the server's log has more)"
            )


def ask(data_dir: Path, what: str, file: str = FILE) -> Answer:
    """Ask the server that runs on a data folder. Raises ConfigError if there is none, or it does not answer."""
    path = next((each for each in _addresses(data_dir, file) if each.exists()), None)
    if path is None:
        raise ConfigError(f"no server runs on the data folder {data_dir}")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            if path.name != file:
                _check_folder(path.parent)
            connection.connect(os.fspath(path))
            connection.sendall(f"{what}\n".encode())
            data = b"".join(iter(lambda: connection.recv(65536), b""))
            return msgspec.json.decode(data, type=Answer)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise ConfigError(f"no server runs on the data folder {data_dir}") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"the server on {data_dir} does not answer: {error}") from None


def address(data_dir: Path, file: str = FILE) -> Path:
    """Where the socket is: in the data folder, or, if its path is too long for one, in a folder of this user's below
    XDG_RUNTIME_DIR or the folder for temporary files."""
    return _addresses(data_dir, file)[0]


def _addresses(data_dir: Path, file: str) -> list[Path]:
    """Where a server may have its socket, whose environment may be another one."""
    path = data_dir.absolute() / file
    if _fits(path):
        return [path]
    name = f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"
    user = os.getuid()
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    folders = [Path(given) / "chatserver"] if given.startswith("/") else []
    folders += [Path(tempfile.gettempdir()) / f"chatserver-{user}"]
    return [folder / name for folder in folders if _fits(folder / name)] or [folders[-1] / name]


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= ADDRESS_BYTES


def _make_folder(folder: Path) -> None:
    """Make the folder of a socket outside of the data folder. Raises OSError if others can get into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise OSError(f"{folder} has to be a folder that only this user can get into")


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(path))
        except OSError:
            return False
        return True
