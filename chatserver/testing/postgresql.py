"""A PostgreSQL of the tests' own: started when the first test wants it, gone at the end, and no one else's."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from ..store import Store
from .guard import Guard

SUPERUSER = "postgres"
KILL_SECONDS = 5.0
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "fatal",
}
"""What is lost with the machine is no loss."""
_LOCALE = ("--encoding=UTF8", "--locale=C")


class NoPostgresql(Exception):
    """There is no PostgreSQL here that could be started; the text says why."""


class PostgresqlServer:
    """A server on a free port, in a temporary folder. Made by `postgresql`."""

    def __init__(self, **settings: str) -> None:
        """``settings`` go over those for tests. Raises NoPostgresql."""
        self._programs = _programs()
        self.user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="chatserver-postgresql-"))
        os.chown(self.folder, *(self.user[1:] if self.user else (-1, -1)))
        self.port = _free_port()
        self._settings = {**_FAST, **settings}
        self._names = (f"chat_{number}" for number in itertools.count(1))
        self._template: str | None = None
        stop = '"$1" stop -D "$2" -w -m immediate; rm -rf "$3"'
        self._guard = Guard(stop, self._programs / "pg_ctl", self._data, self.folder, **self._as_user)
        try:
            self._run("initdb", "-D", self._data, "-U", SUPERUSER, "--auth=trust", "--no-sync", *_LOCALE)
            self.start()
        except (OSError, subprocess.CalledProcessError) as error:
            self.remove()
            raise NoPostgresql(
                f"PostgreSQL can't be started: {getattr(error, 'stderr', '') or error}"
            ) from error

    @property
    def version(self) -> str:
        """The number before the dot, such as 15."""
        return (self.folder / "data" / "PG_VERSION").read_text().strip()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Start it, again too; returns once it takes connections."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            **self._settings,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: ``immediate`` is like a crash, ``fast`` in order."""
        self._run("pg_ctl", "stop", "-D", self._data, "-w", "-m", mode)

    def kill(self) -> None:
        """End all of its processes at once, as a machine does that fails."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        # Each is a session of its own. Stopped first, the parent starts no more of them.
        os.kill(first, signal.SIGSTOP)
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        pids = [*map(int, children), first]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + KILL_SECONDS
        while any(map(_runs, pids)) and time.monotonic() < end:
            time.sleep(0.01)
        # They name a process that may be a zombie for long, which a next one would take for alive.
        for lock in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)

    def stand_by(self) -> None:
        """Start again as a replica, which is only read; its ``wal_level`` has to be that of one."""
        self.stop("fast")
        signal_file = self.folder / "data" / "standby.signal"
        signal_file.touch()
        os.chown(signal_file, *(self.user[1:] if self.user else (-1, -1)))
        self.start()

    def promote(self) -> None:
        """Take changes again, after `stand_by`."""
        self._run("pg_ctl", "promote", "-D", self._data, "-w")

    def remove(self) -> None:
        """Stop it, and leave nothing of it."""
        self._guard.let_go()

    def url(self, database: str) -> str:
        """The ``store.url`` of a database."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def make(self) -> str:
        """A new database with the server's tables; its ``store.url``."""
        name = next(self._names)
        self._sql(f"CREATE DATABASE {name} TEMPLATE {self._with_tables()}")
        return self.url(name)

    def make_empty(self) -> str:
        """A new database without tables; its ``store.url``."""
        name = next(self._names)
        self._sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, and end the connections to it."""
        self._sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def _with_tables(self) -> str:
        if self._template is None:
            self._template = "chat_template"
            self._sql(f"CREATE DATABASE {self._template}")
            Store.make(self.url(self._template), self.folder)
            # Each database has a lineage of its own.
            self._sql("DELETE FROM meta WHERE key = 'epoch'", self._template)
        return self._template

    def _sql(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as conn:
            conn.execute(statement.encode())

    @property
    def _as_user(self) -> dict[str, Any]:
        # PostgreSQL refuses to be run by root.
        return {"user": self.user[1], "group": self.user[2], "extra_groups": ()} if self.user else {}

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, *words],
            check=True,
            cwd=self.folder,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            **self._as_user,
        )


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@functools.cache
def postgresql() -> PostgresqlServer:
    """The one of this process. Raises NoPostgresql, each time anew."""
    server = PostgresqlServer()
    atexit.register(server.remove)
    return server


def _programs() -> Path:
    """The folder with initdb and pg_ctl, of the newest version that is installed. Raises NoPostgresql."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found is None and not debian:
        raise NoPostgresql("there is no PostgreSQL here (on Debian and Ubuntu: apt-get install postgresql)")
    return Path(found).parent if found is not None else debian[-1].parent


def _user() -> tuple[str, int, int] | None:
    """As whom root runs it; None for any other user, who runs it as such. Raises NoPostgresql."""
    if os.geteuid() != 0:
        return None
    for name in (SUPERUSER, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, entry.pw_uid, entry.pw_gid
    raise NoPostgresql("PostgreSQL is not to be run by root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
