"""The socket in the data folder by which ``chatserver reload`` asks the running server, and gets an answer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from ..model.errors import ConfigError, PluginError, Reject

log = logging.getLogger(__name__)

FILE = "control.sock"
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

    def __init__(self, data_dir: Path, work: Mapping[str, Work]) -> None:
        self._path = address(data_dir)
        self._work = work
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, in place of a server that has ended. What keeps it from that is logged, as a chat goes without."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        with contextlib.suppress(ConnectionError, ValueError):
            asked = (await reader.readline()).decode(errors="replace").strip()
            writer.write(msgspec.json.encode(await self._answer(asked)))
            await writer.drain()
        writer.close()

    async def _answer(self, asked: str) -> Answer:
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


def ask(data_dir: Path, what: str) -> Answer:
    """Ask the server that runs on a data folder. Raises ConfigError if there is none, or it does not answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(os.fspath(address(data_dir)))
            connection.sendall(f"{what}\n".encode())
            data = b"".join(iter(lambda: connection.recv(65536), b""))
            return msgspec.json.decode(data, type=Answer)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise ConfigError(f"no server runs on the data folder {data_dir}") from None
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"the server on {data_dir} does not answer: {error}") from None


def address(data_dir: Path) -> Path:
    """Where the socket is: in the data folder, or, if its path is too long for one, below the folder for temporary
    files."""
    path = data_dir.absolute() / FILE
    if len(os.fsencode(path)) <= ADDRESS_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"chatserver-{os.getuid()}" / f"{name}.sock"


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(path))
        except OSError:
            return False
        return True
