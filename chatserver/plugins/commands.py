"""Commands: a method's signature is the parser, the usage line, the help and the completion data."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from ..model.errors import PluginError, Reject
from ..model.values import Room, User
from .api import Session
from .arguments import Argument, Finder, arguments_of, parse

Method = TypeVar("Method", bound=Callable[..., Any])

_MARK = "__chatserver_command__"
_NAME = re.compile(r"[^\s/]+")
_SPLIT = re.compile(r"\s*(\S*)(.*)", re.DOTALL)


class CommandContext(Finder, Protocol):
    """The call of a command: its user, room and connection. Commands get it as ``ctx``."""

    @property
    def user(self) -> User: ...

    @property
    def room(self) -> Room | None:
        """None outside of a room."""

    @property
    def session(self) -> Session | None:
        """The connection it came by; None over HTTP."""

    async def may(self, permission: str) -> bool:
        """Whether the user has the permission in this room."""


class Guard(Protocol):
    """Calls a plugin's function so that its failure is a `Reject`; see `chatserver.plugins.hooks.HookCaller.guard`."""

    def __call__(
        self, plugin: str, what: str, function: Callable[..., Any], *args: Any
    ) -> Awaitable[Any]: ...


class Spec(msgspec.Struct, frozen=True):
    """The arguments of `command`."""

    name: str | None
    aliases: tuple[str, ...]
    permission: str | None
    examples: tuple[str, ...]


class Command(msgspec.Struct, frozen=True):
    """A command, ready to be called. ``rooms`` are the only ones it works in; None: everywhere."""

    name: str
    aliases: tuple[str, ...]
    permission: str | None
    examples: tuple[str, ...]
    plugin: str
    rooms: frozenset[str] | None
    method: Callable[..., Any]
    arguments: tuple[Argument, ...]
    description: str

    @property
    def usage(self) -> str:
        """``/kick USER [MINUTES] [REASON…]``."""
        return " ".join([f"/{self.name}", *(argument.usage for argument in self.arguments)])

    def works_in(self, room: Room | None) -> bool:
        return self.rooms is None or (room is not None and room.name in self.rooms)

    def listing(self) -> dict[str, Any]:
        """As clients see it, in ``welcome``."""
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "usage": self.usage,
            "help": self.description.partition("\n")[0],
            "description": self.description,
            "plugin": self.plugin,
            "examples": list(self.examples),
            "args": [argument.listing() for argument in self.arguments],
        }


def command(
    name: str | None = None,
    *,
    aliases: Sequence[str] = (),
    permission: str | None = None,
    examples: Sequence[str] = (),
) -> Callable[[Method], Method]:
    """Make a method of a plugin a command: ``async def kick(self, ctx, user: User, *, reason: str = "")``.

    Arguments are typed ``str``, ``int``, ``float``, ``bool``, ``Literal``, ``User``, ``Room`` or ``timedelta``, or
    one of these ``| None``; a keyword-only ``str`` takes the rest of the line; ``Annotated[T, "help"]`` explains one.
    The docstring is the help, its first line the short one. A returned string is shown to the caller alone.
    Without ``name`` the command is called like the method.
    """
    if callable(name):
        raise TypeError("write @command() with parentheses")
    spec = Spec(name, tuple(aliases), permission, tuple(examples))

    def mark(method: Method) -> Method:
        setattr(method, _MARK, spec)
        return method

    return mark


class Commands:
    """All commands of all plugins. ``guard`` calls their methods."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._commands: list[Command] = []
        self._by_name: dict[str, Command] = {}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands)

    def add(self, plugin_name: str, plugin: object, rooms: Collection[str] | None = None) -> None:
        """Take in the methods of ``plugin`` that are marked with `command`, limited to ``rooms``.

        Raises PluginError for a signature that can't be parsed, and for a name that is taken.
        """
        for method, spec in _marked(plugin):
            added = _command(plugin_name, method, spec, None if rooms is None else frozenset(rooms))
            for name in (added.name, *added.aliases):
                if other := self._by_name.get(name):
                    raise PluginError(
                        f"the command /{name} is there already, in plugin {other.plugin!r}", plugin_name
                    )
                self._by_name[name] = added
            self._commands.append(added)

    async def run(self, ctx: CommandContext, text: str) -> str | None:
        """Call the command in ``text`` (without its ``/``); returns what it has to say to its caller.

        Raises `Reject`: ``not_found``, ``forbidden``, ``invalid``, or whatever the command refuses with.
        """
        name, line = _SPLIT.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
        found = self._find(name, ctx.room)
        if found.permission is not None and not await ctx.may(found.permission):
            raise Reject(f"You may not use /{found.name} here.", "forbidden")
        try:
            values = await parse(found.arguments, line, ctx)
        except Reject as refusal:
            if refusal.code == "invalid":
                raise Reject(
                    f"{refusal.message} Usage: {found.usage}", "invalid", field=refusal.field
                ) from None
            raise
        answer: str | None = await self._guard(found.plugin, f"/{found.name}", _call, found, ctx, values)
        return answer

    def listing(self, allowed: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Every command whose permission is ``allowed``, as ``welcome`` lists them."""
        return [
            each.listing() for each in self._commands if each.permission is None or allowed(each.permission)
        ]

    def _find(self, name: str, room: Room | None) -> Command:
        found = self._by_name.get(name.lower())
        if found is not None and found.works_in(room):
            return found
        known = [each for each, command in self._by_name.items() if command.works_in(room)]
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f" Did you mean /{near[0]}?" if near else ""
        text = f"There is no command /{name}.{hint} To send it as text, begin with //."
        raise Reject(text, "not_found", field="command")


async def _call(command: Command, ctx: CommandContext, values: dict[str, Any]) -> str | None:
    answer = command.method(ctx, **values)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is not None and not isinstance(answer, str):
        raise TypeError(f"a command returns text or None, not {type(answer).__name__}")
    if answer is not None:
        # What can't be sent fails here, in the plugin's name.
        answer.encode()
    return answer


def _marked(plugin: object) -> Iterator[tuple[Callable[..., Any], Spec]]:
    """The plugin's commands in the order of their definition, base classes first."""
    names = dict.fromkeys(name for each in reversed(type(plugin).__mro__) for name in vars(each))
    for name in names:
        spec = getattr(inspect.getattr_static(plugin, name), _MARK, None)
        if isinstance(spec, Spec):
            yield getattr(plugin, name), spec


def _command(plugin: str, method: Callable[..., Any], spec: Spec, rooms: frozenset[str] | None) -> Command:
    function = method.__func__  # type: ignore[attr-defined]
    name = spec.name or function.__name__.strip("_").replace("_", "-")
    try:
        for each in (name, *spec.aliases):
            if not _NAME.fullmatch(each) or each != each.lower():
                raise TypeError(f"{each!r} can't be its name: lower case, without spaces and /")
        arguments = arguments_of(function)
    except (TypeError, NameError) as error:
        raise PluginError(f"command /{name}: {error}", plugin) from None
    return Command(
        name=name,
        aliases=spec.aliases,
        permission=spec.permission,
        examples=spec.examples,
        plugin=plugin,
        rooms=rooms,
        method=method,
        arguments=arguments,
        description=inspect.getdoc(function) or "",
    )
