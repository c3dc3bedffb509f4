"""One plugin's implementation of one hook, compiled to a call with positional arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import pluggy

from ..model.errors import PluginError
from ..model.values import Draft, Room, Upload, User
from .annotations import wrong_annotation
from .hookspecs import SYNC_ONLY, Filters, events_of
from .problems import mistake

OnError = Literal["skip", "reject"]
Function = Callable[..., Any]
Applies = Callable[[tuple[Any, ...]], bool]

RETURNS: Mapping[str, type] = MappingProxyType(
    {
        "before_post": Draft,
        "before_edit": Draft,
        "before_upload": Upload,
        "render": str,
        "authenticate": User,
        "may": bool,
        "backlog": int,
        "client_settings": Mapping,
    }
)
"""What a hook may return besides None; the others return nothing."""
ELSEWHERE = object()
"""What a compiled call returns when the plugin wasn't called: another room, or an event of a type it doesn't want."""
BY_EVENT = frozenset({"in_commit", "after_event"})
"""The hooks that may say which types of events they want."""

_REFUSING = frozenset(name for name in vars(Filters) if not name.startswith("_")) | {"authenticate", "may"}
_NAMES_ROOM = ("draft", "upload", "room", "message", "event")
_NEVER = float("-inf")


class Policy(NamedTuple):
    """What the settings say of a plugin: what its crash means, and the only rooms it works in (None: all)."""

    on_error: OnError = "skip"
    rooms: frozenset[str] | None = None


class Stats:
    """How often something was called, how often it failed, and for how many seconds it ran or waited."""

    __slots__ = ("calls", "failures", "seconds")

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.seconds = 0.0


class HookImpl:
    """One implementation. ``call`` takes all arguments of the hook, by position.

    Raises PluginError when it can't be called as the hook is.
    """

    __slots__ = ("applies", "call", "events", "function", "hook", "on_error", "plugin", "refuses", "returns",
                 "rooms", "slow_at", "stats")  # fmt: skip

    def __init__(
        self, impl: pluggy.HookImpl, hook: str, policy: Policy, arguments: tuple[str, ...], stats: Stats
    ) -> None:
        self.plugin = impl.plugin_name
        self.hook = hook
        _check(impl, hook)
        self.function: Function = impl.function
        self.on_error = policy.on_error
        self.rooms = policy.rooms
        self.events = _events(impl, hook)
        self.refuses = hook in _REFUSING
        self.returns: type | tuple[()] = RETURNS.get(hook, ())
        types = self.events if hook == "after_event" else None
        self.applies = _applies(policy.rooms, types, arguments)
        self.call = _if(self.applies, _positional(impl.function, arguments))
        self.stats = stats
        self.slow_at = _NEVER

    def wants(self, args: tuple[Any, ...]) -> bool:
        """Whether it is called for these arguments."""
        return self.applies is None or self.applies(args)

    def wrong(self, answer: object) -> TypeError:
        """The failure for an answer of a wrong type."""
        wanted = self.returns.__name__ + " or None" if isinstance(self.returns, type) else "None"
        return TypeError(f"returned {type(answer).__name__}, not {wanted}")


def _check(impl: pluggy.HookImpl, hook: str) -> None:
    if impl.wrapper or impl.hookwrapper or impl.tryfirst or impl.trylast:
        raise _wrong(impl, hook, "there are no wrappers and no priorities")
    if hook in SYNC_ONLY and inspect.iscoroutinefunction(impl.function):
        raise _wrong(impl, hook, "may not be async: write def")
    parameters = inspect.signature(impl.function).parameters.values()
    if any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in parameters):
        raise _wrong(impl, hook, "takes its arguments by plain names: no *, ** or /")
    annotated = wrong_annotation(hook, impl.function)
    if annotated is not None:
        raise _wrong(impl, hook, annotated)


def _wrong(impl: pluggy.HookImpl, hook: str, reason: str) -> PluginError:
    return mistake(impl.plugin_name, f"hook {hook}: {reason}", impl.function)


def _events(impl: pluggy.HookImpl, hook: str) -> frozenset[str] | None:
    events = events_of(impl.function)
    if events is None:
        return None
    if hook not in BY_EVENT:
        raise _wrong(impl, hook, f"events= is for {' and '.join(sorted(BY_EVENT))} only")
    if not isinstance(events, tuple | list | set | frozenset) or not all(isinstance(e, str) for e in events):
        raise _wrong(impl, hook, 'events= takes names of event types, such as ("message", "deleted")')
    return frozenset(events)


def _positional(function: Function, arguments: tuple[str, ...]) -> Function:
    """``function``, which may take only some of ``arguments`` and in any order, called with all of them in order."""
    parameters = tuple(inspect.signature(function).parameters)
    taken = {name: arguments.index(name) for name in parameters if name in arguments}
    if tuple(taken) == arguments == parameters[: len(arguments)]:
        return function
    if not taken:
        return lambda *args: function()
    if tuple(taken) == parameters[: len(taken)]:
        (first, *others) = taken.values()
        if not others:
            return lambda *args: function(args[first])
        return lambda *args: function(args[first], *[args[at] for at in others])
    # A parameter of the plugin's own, with a default, stands before one of the hook's.
    return lambda *args: function(**{name: args[at] for name, at in taken.items()})


def _applies(
    rooms: frozenset[str] | None, types: frozenset[str] | None, arguments: tuple[str, ...]
) -> Applies | None:
    """Whether the plugin wants a call with these arguments; None: always, as of a hook that can't be about a room."""
    name = next((name for name in _NAMES_ROOM if name in arguments), None)
    if rooms is None or name is None:
        return None if types is None else (lambda args: args[0].type in types)
    at = arguments.index(name)

    def applies(args: tuple[Any, ...]) -> bool:
        about = args[at]
        room = about if isinstance(about, Room) or about is None else about.room
        here = (room.name if isinstance(room, Room) else room) in rooms
        return here and (types is None or args[0].type in types)

    return applies


def _if(applies: Applies | None, call: Function) -> Function:
    if applies is None:
        return call
    return lambda *args: call(*args) if applies(args) else ELSEWHERE
