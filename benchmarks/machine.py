"""The machine: its facts for the report, and which core the server and the load generator get."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
from collections.abc import Callable
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[1] if len(CORES) > 1 else CORES[0]
TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def facts() -> dict[str, str | float]:
    """What a reader has to know to compare."""
    return {
        "cores": len(CORES),
        "cpu": _cpu_model(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "kernel": platform.release(),
        "system": _system(),
        "python": platform.python_version(),
        "open_files": open_files(),
        "load_average": os.getloadavg()[0],
    }


def open_files() -> int:
    """How many files one process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def busy_seconds(core: int) -> float:
    """Seconds this core has worked since the machine started, for all processes; stolen time included."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICKS
    return 0.0


def adopt_orphans() -> None:
    """Become the parent of what a killed server leaves behind (a Redis, say), so that it can be waited for."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def pinned(core: int) -> Callable[[], None]:
    """What a child runs before its program: one core, all the files it may open, and death with its parent."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return prepare


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.system()
