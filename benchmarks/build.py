"""Compiles what is written in C and Go, on first use and after a change."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .folders import CACHE, HERE, PEERS

BUILD_SECONDS = 300


class NotHere(Exception):
    """Something that has to be on this machine isn't; the text says what, and how to get it."""


def c_program(name: str, sources: Sequence[Path]) -> Path:
    """The program made of ``sources``. Raises NotHere without a C compiler."""
    program = CACHE / name
    if not _stale(program, sources):
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NotHere(
            "no C compiler (cc), and the load generator is written in C; on Debian and Ubuntu: "
            "apt-get install gcc libc6-dev"
        )
    files = [str(source) for source in sources if source.suffix == ".c"]
    _run([compiler, "-O2", "-std=gnu11", "-Wall", "-o", str(program), *files])
    return program


def load_generator() -> Path:
    """The load generator."""
    return c_program("load", sorted((HERE / "load").glob("*.[ch]")))


def ceiling() -> Path:
    """The C server that shows what the machine can do."""
    return c_program("ceiling", [PEERS / "ceiling.c"])


def go_program(name: str, source: Path, gopath: Path) -> Path:
    """A Go program against the packages under ``gopath`` (Debian's are in /usr/share/gocode). Raises NotHere."""
    program = CACHE / name
    if _stale(program, [source]):
        if shutil.which("go") is None:
            raise NotHere("no Go (apt-get install golang-go golang-github-gorilla-websocket-dev)")
        if not (gopath / "src/github.com/gorilla/websocket").exists():
            raise NotHere("no gorilla/websocket (apt-get install golang-github-gorilla-websocket-dev)")
        environment = {"GO111MODULE": "off", "GOPATH": str(gopath), "GOCACHE": str(CACHE / "go-build")}
        _run(["go", "build", "-o", str(program), str(source)], environment)
    return program


def _stale(program: Path, sources: Sequence[Path]) -> bool:
    if not program.exists():
        return True
    made = program.stat().st_mtime
    return any(source.stat().st_mtime > made for source in sources)


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    if done.returncode != 0:
        raise NotHere(f"{command[0]} failed:\n{done.stderr[-2000:]}")
