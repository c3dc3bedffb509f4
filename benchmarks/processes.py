"""A server's process: started on its core, watched through /proc, and always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from .folders import ROOT
from .machine import SERVER_CORE, TICKS, pinned

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ServerFailed(Exception):
    """The server didn't start, or went away; the text is the end of what it said."""


class Process:
    """A server on ``port``. Use it in a ``with`` block; it is killed at the end."""

    def __init__(
        self, command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.start_seconds = 0.0
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Process:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._said.close()

    def start(self) -> None:
        """Start, and wait until it listens. Raises ServerFailed."""
        began = time.monotonic()
        self._child = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            preexec_fn=pinned(SERVER_CORE),
            start_new_session=True,
        )
        while not listens(self.port):
            if self._child.poll() is not None:
                raise ServerFailed(self.last_words() or f"exit code {self._child.returncode}")
            if time.monotonic() - began > START_SECONDS:
                raise ServerFailed(f"it does not listen after {START_SECONDS:.0f} s\n{self.last_words()}")
            time.sleep(0.005)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Ask it to stop, as a planned restart does, and wait."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self._child.pid, number)

    def kill(self) -> None:
        """End it and whatever it started, now."""
        if self._child is None:
            return
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        _reap(self._child.pid)
        self._child = None

    def last_words(self) -> str:
        """The end of its output."""
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 2000))
        return self._said.read().decode(errors="replace").strip()

    # What it uses

    def memory(self) -> int:
        """Resident bytes of the process and its children."""
        return sum(int(_read(pid, "statm").split()[1]) * _PAGE for pid in self._pids())

    def peak_memory(self) -> int:
        """The most it had resident so far, in bytes."""
        return sum(_peak(pid) for pid in self._pids())

    def cpu_seconds(self) -> float:
        """Processor time so far, user and kernel."""
        total = 0
        for pid in self._pids():
            fields = _read(pid, "stat").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def written_bytes(self) -> int:
        """Bytes written to files so far (proc(5), wchar): SQLite's write-ahead log, and its checkpoints.

        What goes out over sockets doesn't count, and what the page cache still holds does.
        """
        return sum(_written(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        if self._child is None:
            return []
        found, todo = [], [self._child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(child) for child in task.read_text().split()]
        return found


def _reap(group: int) -> None:
    """Wait for those of the process group that became ours when their parent was killed."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError as gone:
        raise ServerFailed("the server has gone away") from gone


def _peak(pid: int) -> int:
    for line in _read(pid, "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _written(pid: int) -> int:
    for line in _read(pid, "io").splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    return 0


def listens(port: int) -> bool:
    """Whether connections on ``port`` are accepted."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A TCP port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
