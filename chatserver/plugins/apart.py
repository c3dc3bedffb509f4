"""``self.apart``: work on what strangers send, in a process that may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

SECONDS = 10.0
MEMORY = 512 * 2**20
AT_ONCE = 2
"""So many functions of a plugin run; further ones wait."""
ANSWER_BYTES = 32 * 2**20
_CHILD = Path(__file__).with_name("apart_child.py")


class ApartError(Exception):
    """A function that ran apart gave no answer: it raised something, took too long or too much memory, or crashed."""


class Apart:
    """Runs functions of a plugin in processes of their own."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def __call__(
        self, function: Callable[..., Any], *args: Any, seconds: float = SECONDS, memory: int = MEMORY
    ) -> Any:
        """Run a function in a process of its own, which is killed after ``seconds`` and has ``memory`` bytes at most.
        Arguments and the answer are what MessagePack can hold.

        The function's module is loaded there by itself: it imports what is installed, and nothing of the plugin.
        Raises `ApartError` where it fails, for whatever reason; TypeError for what is no plain function of a module.
        """
        task = {
            "file": _file(function),
            "function": function.__name__,
            "args": args,
            "memory": memory,
            "seconds": ceil(seconds),
        }
        given = msgspec.msgpack.encode(task)
        async with self._places:
            return _value(await _answer(given, seconds))


def _file(function: Callable[..., Any]) -> str:
    if not inspect.isfunction(function) or function.__qualname__ != function.__name__:
        raise TypeError(f"only a function of a module can run apart, not {function!r}")
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__name__} is async: what runs apart is a plain function")
    return inspect.getfile(function)


async def _answer(given: bytes, seconds: float) -> bytes:
    # Nothing of the server's environment, which may hold secrets, and not its folder.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(_CHILD), cwd=_CHILD.anchor, env=kept, start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                child.stdin.write(given)
                await child.stdin.drain()
            child.stdin.close()
            found = bytearray()
            while chunk := await child.stdout.read(65536):
                found += chunk
                if len(found) > ANSWER_BYTES:
                    raise ApartError(f"its answer has more than {ANSWER_BYTES} bytes")
            return bytes(found)
    except TimeoutError:
        raise ApartError(f"it took longer than {seconds:g} seconds") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _value(answer: bytes) -> Any:
    try:
        told = msgspec.msgpack.decode(answer)
    except msgspec.DecodeError:
        raise ApartError("it crashed, or took too much memory") from None
    if "error" in told:
        raise ApartError(told["error"])
    return told["value"]
