"""Runs one function in a process of its own, with limits: the other end of `apart`.

It is run as a file by itself, and so imports nothing of the server.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys

import msgspec


def main() -> None:
    """Read a task from the standard input, and write what comes of it to the standard output."""
    task = msgspec.msgpack.decode(sys.stdin.buffer.read())
    answers = os.dup(1)
    # What the function prints is no answer.
    os.dup2(2, 1)
    _limit(task["memory"], task["seconds"])
    try:
        answer = {"value": _run(task["file"], task["function"], task["args"])}
        encoded = msgspec.msgpack.encode(answer)
    except BaseException as error:
        encoded = msgspec.msgpack.encode({"error": f"{type(error).__name__}: {error}"[:1000]})
    with open(answers, "wb") as pipe:
        pipe.write(encoded)


def _limit(memory: int, seconds: int) -> None:
    """Bound what this process may take: ``memory`` in bytes, ``seconds`` of the processor. It writes no files."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        # macOS knows some limits by name only.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    os.nice(10)


def _run(file: str, function: str, args: list[object]) -> object:
    spec = importlib.util.spec_from_file_location("apart", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["apart"] = module
    spec.loader.exec_module(module)
    return getattr(module, function)(*args)


if __name__ == "__main__":
    main()
