"""What a plugin's failure is called, and where in the plugin it happened."""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from ..model.errors import Reject

T = TypeVar("T")

ERROR_CHARS = 1000
"""How much of an error's text is logged."""
CALLED_FOR = "__chatserver_called_for__"
"""What a function has that calls a method of a plugin: that method, as the place of its failures."""
_BUNDLED = "chatserver_plugins"


class Failure(NamedTuple):
    """A plugin raised, took too long, or answered with the wrong type. ``what`` is the hook, command or request."""

    plugin: str
    what: str
    error: BaseException


class PluginExit(Exception):
    """What a plugin raised, its ``__cause__``, was no Exception, and would have ended a loop or a thread."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")


async def contained(work: Awaitable[T]) -> T:
    """``work``, without what ends a whole loop (SystemExit, as argparse raises it). Raises PluginExit instead."""
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise PluginExit(error) from error


def refused(plugin: str) -> Reject:
    """The refusal that a plugin's failure means to its caller."""
    return Reject(f"The plugin {plugin!r} failed.", "plugin_failed", plugin=plugin)


def suspended(plugin: str, part: str) -> Reject:
    """The refusal of what is suspended because it kept failing."""
    return Reject(f"The plugin {plugin!r} kept failing: {part} is suspended.", "plugin_failed", plugin=plugin)


def described(error: BaseException, owner: type | None, function: Callable[..., Any] | None = None) -> str:
    """``ZeroDivisionError: division by zero (dice.py, line 3)``, in one line.

    The place is the last line of the traceback in the modules of the plugin class ``owner``; where there is none, the
    definition of ``function``.
    """
    error = raised(error)
    text = " ".join(f"{type(error).__name__}: {_text(error)}".split()).removesuffix(":")
    place = _place(error, owner) or definition(function)
    return f"{text} ({place[0]}, line {place[1]})" if place is not None else text


def _text(error: BaseException) -> str:
    """What an error says, in a form that can be logged and sent."""
    try:
        text = str(error)
    except BaseException as worse:
        text = f"its text can't be had: {type(worse).__name__}"
    return text[:ERROR_CHARS].encode("utf-8", "replace").decode()


def raised(error: BaseException) -> BaseException:
    """What the plugin raised itself."""
    cause = error.__cause__
    return cause if isinstance(error, PluginExit) and cause is not None else error


def own_failure(error: BaseException) -> BaseException:
    """The plugin's failure, after something of it was awaited.

    Raises ``error`` again where it is our own task that is cancelled or closed, and not what the plugin waited for.
    """
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        task = _current_task()
        if task is None or task.cancelling():
            raise error
        if isinstance(error, asyncio.CancelledError):
            return RuntimeError("waited for something that was cancelled")
    return error


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _place(error: BaseException, owner: type | None) -> tuple[str, int] | None:
    root = _root(owner) if owner is not None else None
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if root is None or module == root or module.startswith(f"{root}."):
            found = frame.f_code.co_filename, line
    return found


def _root(owner: type) -> str:
    """The name of the plugin's package, or of its one module."""
    module = sys.modules.get(owner.__module__)
    package = module.__package__ if module is not None else None
    return owner.__module__ if package in ("", None, _BUNDLED) else str(package)


def definition(function: Callable[..., Any] | None) -> tuple[str, int] | None:
    """The file and line in which a function, or the one that it calls, begins, if it has any."""
    function = getattr(function, CALLED_FOR, function)
    code = getattr(inspect.unwrap(function), "__code__", None) if function is not None else None
    return (code.co_filename, code.co_firstlineno) if code is not None else None
