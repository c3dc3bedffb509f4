"""What plugins hear in messages: patterns in linear time (RE2), so that no text of a user can hold up the server."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from ..model.errors import PluginError, Reject
from ..model.plugin_parts import MESSAGE_KINDS
from ..model.values import Message, Room, User
from .base import Plugin
from .failures import CALLED_FOR
from .hookspecs import hookimpl

if TYPE_CHECKING:
    Method = TypeVar("Method", bound=Callable[..., Any])

HOOK = "after_post"
"""The hook by which a plugin hears: the same queue, limits and isolation."""
MATCHES = 25
"""So many matches in a message are found."""

_MARK = "__chatserver_hears__"
_ATTRIBUTE = "_chatserver_hearing"


class Match(Protocol):
    """A match, as those of the standard library's `re`."""

    def group(self, *groups: int | str) -> Any: ...

    def groups(self, default: Any = None) -> tuple[Any, ...]: ...

    def groupdict(self, default: Any = None) -> dict[str, Any]: ...

    def span(self, group: int | str = 0) -> tuple[int, int]: ...


class Spec(msgspec.Struct, frozen=True):
    """The arguments of `hears`."""

    pattern: str
    ignore_case: bool
    bots: bool


class HearsContext:
    """A message in which something was heard, and where. Methods with `hears` get it as ``ctx``."""

    def __init__(self, plugin: Plugin, room: Room, message: Message, matches: Sequence[Match]) -> None:
        self._plugin = plugin
        self.room = room
        self.message = message
        self.matches = matches
        """All matches that don't overlap, 25 at most."""

    @property
    def user(self) -> User:
        """The user who wrote the message."""
        return self.message.user

    @property
    def match(self) -> Match:
        """The first match."""
        return self.matches[0]

    async def reply(self, text: str, **options: Any) -> Message:
        """Answer the message as the plugin's bot; ``options`` are those of ``self.chat.post``. Raises `Reject`."""
        return await self._plugin.chat.post(self.room, text, reply_to=self.message.id, **options)


def hears(pattern: str, *, ignore_case: bool = False, bots: bool = False) -> Callable[[Method], Method]:
    """Call a method of a plugin for each message in which ``pattern`` is found: ``async def plus(self, ctx)``.

    The syntax is that of RE2: regular expressions without look-around and references back. Edits are not heard, nor
    what the plugin itself writes, nor, unless ``bots`` is true, what other bots write. With several methods each is
    called, in the order of their definition. A `Reject` that is raised is told to the user alone.
    """
    if not isinstance(pattern, str):
        raise TypeError("write @hears(pattern), with the pattern as a text")
    spec = Spec(pattern, ignore_case, bots)

    def mark(method: Method) -> Method:
        setattr(method, _MARK, spec)
        return method

    return mark


def add_hearing(plugin: Plugin) -> None:
    """Make each method that hears one more implementation of the hook, so that it has its own deadline and failures.

    Raises PluginError for a pattern that can't be used.
    """
    listeners = [_Listener(plugin, method, spec) for method, spec in _marked(plugin)]
    for number, listener in enumerate(reversed(listeners)):
        # Of one plugin's implementations, the last by name is called first.
        setattr(plugin, f"{_ATTRIBUTE}_{number:04}", _hearing(listener))


def patterns_of(plugin: Plugin) -> list[str]:
    """The patterns that a plugin hears."""
    return [spec.pattern for _, spec in _marked(plugin)]


class _Listener:
    """One method, and its pattern."""

    def __init__(self, plugin: Plugin, method: Callable[..., Any], spec: Spec) -> None:
        self._plugin = plugin
        self.method = method
        self._bots = spec.bots
        parameters = list(inspect.signature(method).parameters)
        if parameters != ["ctx"]:
            raise PluginError(f"hears {spec.pattern!r}: its method takes self and ctx", plugin.name)
        self._pattern = _compiled(plugin.name, spec)

    def heard(self, message: Message) -> list[Match]:
        """The matches in a message that concerns this listener."""
        own = message.plugin == self._plugin.name
        if own or message.kind not in MESSAGE_KINDS or (message.user.bot and not self._bots):
            return []
        if self._pattern.search(message.content) is None:
            return []
        return list(islice(self._pattern.finditer(message.content), MATCHES))

    async def call(self, message: Message, matches: list[Match]) -> None:
        """Let the plugin hear it."""
        room = await self._plugin.chat.room(message.room)
        try:
            answer = self.method(HearsContext(self._plugin, room, message, matches))
            if inspect.isawaitable(answer):
                await answer
        except Reject as refusal:
            self._plugin.chat.notice(message.user, refusal.message, room=room, level="warn")


def _hearing(listener: _Listener) -> Callable[[Message], Awaitable[None] | None]:
    def hearing(message: Message) -> Awaitable[None] | None:
        matches = listener.heard(message)
        return listener.call(message, matches) if matches else None

    setattr(hearing, CALLED_FOR, listener.method)
    return hookimpl(specname=HOOK)(hearing)


def _marked(plugin: Plugin) -> Iterator[tuple[Callable[..., Any], Spec]]:
    """The plugin's methods in the order of their definition, base classes first."""
    names = dict.fromkeys(name for each in reversed(type(plugin).__mro__) for name in vars(each))
    for name in names:
        spec = getattr(inspect.getattr_static(plugin, name), _MARK, None)
        if isinstance(spec, Spec):
            yield getattr(plugin, name), spec


def _compiled(plugin: str, spec: Spec) -> Any:
    """The pattern, compiled by RE2, which is loaded only where a plugin hears. Raises PluginError."""
    try:
        re2 = importlib.import_module("re2")
    except ImportError:
        remedy = "pip install 'chatserver[hears]', which brings google-re2"
        raise PluginError(f"@hears needs a package that is not installed: {remedy}", plugin) from None
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not spec.ignore_case
    try:
        return re2.compile(spec.pattern, options)
    except re2.error as error:
        (reason,) = error.args
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise PluginError(f"hears {spec.pattern!r}: {text} (the syntax is that of RE2)", plugin) from None
