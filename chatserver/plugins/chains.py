"""A hook's implementations, called in order, plain and async ones: the shortest way through all of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Any

from .answers import changed_draft, html
from .failures import own_failure
from .implementation import ELSEWHERE, RETURNS, HookImpl, Stats
from .isolation import SLOW_SECONDS, Isolation, report_slow

Args = tuple[Any, ...]
Call = tuple[Callable[..., Any], Stats, HookImpl]


def _replace_upload(args: Args, answer: Any, plugin: str, chars: int) -> Args:
    return (answer,)


def _replace_draft(args: Args, answer: Any, plugin: str, chars: int) -> Args:
    return (changed_draft(args[0], answer, plugin, chars),)


def _replace_edited(args: Args, answer: Any, plugin: str, chars: int) -> Args:
    return args[0], changed_draft(args[1], answer, plugin, chars)


def _replace_html(args: Args, answer: str, plugin: str, chars: int) -> Args:
    (draft,) = args
    return (draft.replace(html=html(answer, draft.content)),)


_REPLACE: Mapping[str, Callable[[Args, Any, str, int], Args]] = MappingProxyType(
    {
        "before_post": _replace_draft,
        "before_edit": _replace_edited,
        "before_upload": _replace_upload,
        "render": _replace_html,
    }
)
"""What an answer makes of the arguments for the next implementation. Of other hooks the first answer counts."""


class Chain:
    """The implementations ``impls`` of a hook. Async ones have ``seconds``: filters together, others each.

    The text of a message has ``content_chars`` at most. A failure counts as None, which is "unchanged" and "no
    answer"; with ``on_error: reject`` as a refusal.
    """

    __slots__ = (
        "_always", "_content_chars", "_isolation", "_one_deadline", "_replace", "_returns", "_seconds", "calls"
    )  # fmt: skip

    def __init__(
        self, hook: str, impls: Sequence[HookImpl], isolation: Isolation, seconds: float, content_chars: int
    ) -> None:
        self.calls: tuple[Call, ...] = tuple((impl.call, impl.stats, impl) for impl in impls)
        self._always = any(impl.applies is None for impl in impls)
        self._replace = _REPLACE.get(hook)
        self._returns: type | tuple[()] = RETURNS.get(hook, ())
        self._one_deadline = hook.startswith("before_") or hook == "render"
        self._isolation = isolation
        self._seconds = seconds
        self._content_chars = content_chars

    def drop(self, plugin: str) -> None:
        """Call a plugin no more. Calls under way finish as they began."""
        self.calls = tuple(call for call in self.calls if call[2].plugin != plugin)

    def wants(self, args: Args) -> bool:
        """Whether any of them is called for these arguments."""
        return self._always or any(impl.wants(args) for _, _, impl in self.calls)

    def run(self, args: Args, rest: Iterator[Call] | None = None, deadline: float | None = None) -> Any:
        """Call all of them, or the ``rest``, with the hook's arguments. A coroutine of the outcome from the first async
        one on.

        The outcome is what a filter made of its last argument; of other hooks the first answer that counts, or None.
        Raises `Reject`, here or when awaited, with the name of the plugin that refuses.
        """
        if rest is None:
            rest = iter(self.calls)
        replace = self._replace
        # A call with one argument is much cheaper for Python than one with a list of them.
        alone = len(args) == 1
        while True:
            before = perf_counter()
            # Around the loop, not in it: the iterator goes on after the one that failed.
            try:
                for call, stats, impl in rest:
                    answer = call(args[0]) if alone else call(*args)
                    now = perf_counter()
                    seconds = now - before
                    if seconds > SLOW_SECONDS:
                        report_slow(impl, seconds)
                    if answer is not None:
                        if answer is ELSEWHERE:
                            continue
                        if not isinstance(answer, self._returns):
                            if not inspect.isawaitable(answer):
                                raise impl.wrong(answer)
                            return self._resume(rest, args, impl, answer, before, deadline)
                        if replace is not None:
                            args = replace(args, answer, impl.plugin, self._content_chars)
                    stats.calls += 1
                    stats.seconds += seconds
                    before = now
                    # A veto's True is no answer.
                    if answer is not None and replace is None and answer is not True:
                        return answer
                return args[-1] if replace is not None else None
            except BaseException as error:
                count(impl, before)
                self._isolation.hook_failed(impl, error)

    async def _resume(
        self,
        rest: Iterator[Call],
        args: Args,
        impl: HookImpl,
        waiting: Awaitable[Any],
        before: float,
        deadline: float | None,
    ) -> Any:
        """The chain from ``impl`` on, whose answer is ``waiting``; called at ``before``."""
        clock = asyncio.get_running_loop().time
        if deadline is None:
            deadline = clock() + self._seconds
        answer = None
        try:
            with self._isolation.under_way():
                answer = await self._isolation.wait(impl.plugin, impl.hook, waiting, deadline - clock())
            if answer is not None and not isinstance(answer, self._returns):
                raise impl.wrong(answer)
            if answer is not None and self._replace is not None:
                args = self._replace(args, answer, impl.plugin, self._content_chars)
            count(impl, before)
        except BaseException as error:
            answer = None
            failure = own_failure(error)
            count(impl, before)
            self._isolation.hook_failed(impl, failure)
        if answer is not None and self._replace is None and answer is not True:
            return answer
        # The plugin that overran the deadline is to blame; the next must neither be blamed for it nor left out.
        kept = deadline if self._one_deadline and clock() < deadline else None
        outcome = self.run(args, rest, kept)
        return await outcome if inspect.iscoroutine(outcome) else outcome


def count(impl: HookImpl, started: float) -> float:
    """Count a call since ``started`` (perf_counter); how many seconds it took."""
    seconds = perf_counter() - started
    impl.stats.calls += 1
    impl.stats.seconds += seconds
    return seconds
