"""A Redis of the tests' own: started when the first test wants it, gone at the end, and no one else's."""

from __future__ import annotations

import atexit
import functools
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .guard import Guard

START_SECONDS = 15.0


class NoRedis(Exception):
    """There is no Redis here that could be started; the text says why."""


class RedisServer:
    """A server on a free port, in a temporary folder, which keeps nothing. ``options`` are those of its configuration,
    such as ``requirepass``. Raises NoRedis."""

    def __init__(self, **options: str) -> None:
        found = shutil.which("redis-server") or shutil.which("valkey-server")
        if found is None:
            raise NoRedis("there is no Redis here (on Debian and Ubuntu: apt-get install redis-server)")
        self._program = found
        self._options = {name.replace("_", "-"): value for name, value in options.items()}
        self._folder = Path(tempfile.mkdtemp(prefix="chatserver-redis-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = self._folder / "pid"
        self._guard = Guard('kill -9 "$(cat "$1")"; rm -rf "$2"', self._pid, self._folder)
        self.start()

    @property
    def url(self) -> str:
        """The ``bus.url``."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, again too, unless it runs; returns once it takes connections. Raises NoRedis."""
        if self._process is not None:
            return
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "pidfile": str(self._pid),
            **self._options,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", *value.split(" "))]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *words], cwd=self._folder, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return
            except OSError as error:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise NoRedis(f"Redis can't be started: {error}") from error
                time.sleep(0.02)

    def kill(self) -> None:
        """End it, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._pid.unlink(missing_ok=True)

    def remove(self) -> None:
        """End it, and leave nothing of it."""
        self.kill()
        self._guard.let_go()


@functools.cache
def redis_server() -> RedisServer:
    """The one of this process. Raises NoRedis, each time anew."""
    server = RedisServer()
    atexit.register(server.remove)
    return server
