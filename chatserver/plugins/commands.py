"""All commands of all plugins: found by the text that calls them, checked, and run."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Room
from .answers import TEXT_CHARS, text
from .arguments import parse
from .command import Command, Context, commands_of
from .problems import Problems, mistake

SUGGESTIONS = 25
"""As many suggestions for an argument are sent."""
SUGGESTION_CHARS = 200
SUGGEST_SECONDS = 1.0
"""Suggestions that take longer than this are a failure: the user types on meanwhile."""

_WORDS = re.compile(r"\s*(\S*)(?:\s+(\S+))?")


Run = Callable[[Awaitable[str | None]], Awaitable[str | None]]


async def completely(work: Awaitable[str | None]) -> str | None:
    """Run a command to its end."""
    return await work


class Guard(Protocol):
    """Calls a plugin's function so that its failure is a `Reject`; see `chatserver.plugins.hooks.HookCaller.guard`."""

    def __call__(
        self, plugin: str, what: str, function: Callable[..., Any], *args: Any, place: Callable[..., Any]
    ) -> Awaitable[Any]: ...


class Commands:
    """All commands of all plugins. ``guard`` calls their methods; ``clock`` is in seconds and never goes back."""

    def __init__(self, guard: Guard, clock: Callable[[], float] = time.monotonic) -> None:
        self._guard = guard
        self._clock = clock
        self._commands: list[Command] = []
        self._by_name: dict[str, Command] = {}
        self._owners: dict[str, str] = {}
        self._cooldowns: dict[str, RateLimiter] = {}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands)

    def add(
        self,
        plugin_name: str,
        plugin: object,
        rooms: Collection[str] | None = None,
        problems: Problems | None = None,
    ) -> None:
        """Take in the commands of ``plugin``, limited to ``rooms``. A first word belongs to one plugin.

        Those with a signature that can't be parsed, and with a name that is taken, go to ``problems``; without it they
        raise PluginError.
        """
        problems = Problems(collect=False) if problems is None else problems
        limited = None if rooms is None else frozenset(rooms)
        for added in commands_of(plugin_name, plugin, limited, problems):
            with problems.noted():
                self._take(added)

    def _take(self, added: Command) -> None:
        for name in (added.name, *added.aliases):
            owner = self._owners.setdefault(name.partition(" ")[0], added.plugin)
            if name in self._by_name or owner != added.plugin:
                first = name if name in self._by_name else name.partition(" ")[0]
                text = f"the command /{first} is there already, in plugin {owner!r}: give it another name"
                raise mistake(added.plugin, text, added.method)
            self._by_name[name] = added
        self._commands.append(added)
        if added.cooldown:
            self._cooldowns[added.name] = RateLimiter(1 / added.cooldown, 1, self._clock)

    def find(self, text: str, room: Room | None) -> tuple[Command, str]:
        """The command that ``text`` calls (without its ``/``), and the rest of the text. Of two that fit it is the
        subcommand. Raises `Reject` ``not_found``, or ``invalid`` where a subcommand is missing."""
        words = _WORDS.match(text)
        assert words is not None
        first, second = words[1].lower(), (words[2] or "").lower()
        for name, end in ((f"{first} {second}", words.end()), (first, words.end(1))):
            found = self._by_name.get(name)
            if found is not None and found.works_in(room):
                return found, text[end:]
        below = [name for name in self._known(room) if name.startswith(f"{first} ")]
        near = difflib.get_close_matches(f"{first} {second}", below, n=1) if second else []
        if near or not below:
            raise self._unknown(
                f"{words[1]} {words[2]}" if near else words[1], near or self._near(first, room)
            )
        listed = ", ".join(f"/{name}" for name in below)
        raise Reject(f"/{first} needs one of its subcommands: {listed}", "invalid", field="command")

    async def call(self, command: Command, line: str, ctx: Context, run: Run = completely) -> str | None:
        """Call a command with what is written after its name; returns what it has to say to its caller.

        ``run`` runs an async one, and may end before it does.

        Raises `Reject`: ``forbidden``, ``invalid``, ``rate_limited``, or whatever the command refuses with.
        """
        await require(command, ctx)
        try:
            values = await parse(command.arguments, line, ctx)
        except Reject as refusal:
            if refusal.code == "invalid":
                raise Reject(
                    f"{refusal.message} Usage: {command.usage}", "invalid", field=refusal.field
                ) from None
            raise
        self._cool_down(command, ctx)
        answer: str | None = await self._guard(
            command.plugin, f"/{command.name}", _call, command, ctx, values, run, place=command.method
        )
        return answer

    def named(self, name: str, room: Room | None) -> Command:
        """The command of this name. Raises `Reject` ``not_found``."""
        found = self._by_name.get(name.lower())
        if found is None or not found.works_in(room):
            raise self._unknown(name, self._near(name, room))
        return found

    async def suggest(
        self, command: Command, argument: str, typed: str, ctx: Context
    ) -> list[dict[str, str]]:
        """What could stand for an argument of which so much is ``typed``: each a ``value``, with a ``hint`` perhaps.

        Raises `Reject`.
        """
        await require(command, ctx)
        if argument not in command.complete:
            raise Reject(f"/{command.name} suggests nothing for {argument!r}.", "not_found", field="argument")
        what = f"complete of /{command.name}"
        suggested: list[dict[str, str]] = await self._guard(
            command.plugin,
            what,
            _suggested,
            command.complete[argument],
            ctx,
            typed,
            place=command.complete[argument],
        )
        return suggested

    def listing(self, allowed: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Every command whose permission is ``allowed``, as ``welcome`` lists them."""
        return [
            each.listing() for each in self._commands if each.permission is None or allowed(each.permission)
        ]

    def _known(self, room: Room | None) -> list[str]:
        return [name for name, command in self._by_name.items() if command.works_in(room)]

    def _near(self, name: str, room: Room | None) -> list[str]:
        return difflib.get_close_matches(name.lower(), self._known(room), n=1)

    def _unknown(self, name: str, near: Sequence[str]) -> Reject:
        hint = f" Did you mean /{near[0]}?" if near else ""
        text = f"There is no command /{name}.{hint} To send it as text, begin with //."
        return Reject(text, "not_found", field="command")

    def _cool_down(self, command: Command, ctx: Context) -> None:
        """Raises `Reject` ``rate_limited`` unless the user's last call is long enough ago."""
        limiter = self._cooldowns.get(command.name)
        seconds = limiter.wait(ctx.user.id) if limiter is not None else 0.0
        if seconds:
            whole = max(1, round(seconds))
            text = f"Wait {whole} second{'s' if whole > 1 else ''} before you use /{command.name} again."
            raise Reject(text, "rate_limited", retry_after=seconds)


async def require(command: Command, ctx: Context) -> None:
    """Raises `Reject` ``forbidden`` unless the caller has the command's permission."""
    if command.permission is not None and not await ctx.may(command.permission):
        raise Reject(f"You may not use /{command.name} here.", "forbidden")


async def _call(command: Command, ctx: Context, values: dict[str, Any], run: Run) -> str | None:
    answer = command.method(ctx, **values)
    return await run(_said(answer)) if inspect.isawaitable(answer) else said(answer)


async def _said(waiting: Awaitable[Any]) -> str | None:
    return said(await waiting)


def said(answer: Any) -> str | None:
    """What a command or an action has to say to its caller. Raises TypeError and ValueError for what can't be sent."""
    return None if answer is None else text(answer, TEXT_CHARS)


async def _suggested(function: Callable[..., Any], ctx: Context, typed: str) -> list[dict[str, str]]:
    async with asyncio.timeout(SUGGEST_SECONDS):
        answer = function(ctx, typed)
        if inspect.isawaitable(answer):
            answer = await answer
    return [_suggestion(each) for each in islice(answer, SUGGESTIONS)]


def _suggestion(given: Any) -> dict[str, str]:
    pair = (given,) if isinstance(given, str) else given
    if (
        not isinstance(pair, tuple)
        or len(pair) not in (1, 2)
        or not all(isinstance(each, str) for each in pair)
    ):
        raise TypeError(f"a suggestion is a text, or a pair of a text and a hint, not {given!r:.100}")
    for each in pair:
        # What can't be sent fails here, in the plugin's name.
        each.encode()
        if len(each) > SUGGESTION_CHARS:
            raise ValueError(f"a suggestion has at most {SUGGESTION_CHARS} characters")
    return dict(zip(("value", "hint"), pair, strict=False))
