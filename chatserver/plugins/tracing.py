"""What plugins did with the last messages: kept in memory, where the settings ask for it."""

from __future__ import annotations

import inspect
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from ..model.errors import Reject
from ..model.values import Draft, Event, Message
from .implementation import ELSEWHERE, HookImpl

TRACED = frozenset({"before_post", "render", "in_commit", "after_post", "after_event"})
"""The hooks on a new message's way."""
_SHOWN = ("content", "html", "kind", "attachments", "extras", "actions", "display_name")
"""What a plugin may change of a draft, as it is told."""


class Step(NamedTuple):
    """One call of a plugin."""

    plugin: str
    hook: str
    seconds: float
    outcome: str


class Trace:
    """What plugins did with one message, from its acceptance on."""

    def __init__(self, tracer: Tracer, draft: Draft) -> None:
        self._tracer = tracer
        self.at = time.time()
        self.user = draft.user.name
        self.room = draft.room.name
        self.steps: list[Step] = []

    def committed(self, message: Message) -> None:
        """The message is in the log."""
        self._tracer.keep(message.id, self)


class Tracer:
    """The traces of the last ``most`` messages, by their ids; and of the last ones that were refused."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._refused: OrderedDict[int, Trace] = OrderedDict()
        self._early: OrderedDict[str, list[Step]] = OrderedDict()
        """What was written along with messages that are not known to be committed, by the writer's thread."""

    def begin(self, draft: Draft) -> Draft:
        """The draft, with a trace that goes with it."""
        return draft.replace(trace=Trace(self, draft))

    def keep(self, message_id: str, trace: Trace) -> None:
        """Keep a trace under its message's id."""
        trace.steps += self._early.pop(message_id, [])
        self._traces[message_id] = trace
        if len(self._traces) > self.most:
            self._traces.popitem(last=False)

    def traced(self, impl: HookImpl) -> Callable[..., Any]:
        """The call of an implementation, whose outcome and time are noted."""
        call = impl.call

        def traced(*args: Any) -> Any:
            started = perf_counter()
            try:
                answer = call(*args)
            except BaseException as error:
                self._note(impl, args, started, None, error)
                raise
            if inspect.isawaitable(answer):
                return self._later(impl, args, started, answer)
            if answer is not ELSEWHERE:
                self._note(impl, args, started, answer, None)
            return answer

        return traced

    async def _later(
        self, impl: HookImpl, args: tuple[Any, ...], started: float, waiting: Awaitable[Any]
    ) -> Any:
        try:
            answer = await waiting
        except BaseException as error:
            self._note(impl, args, started, None, error)
            raise
        self._note(impl, args, started, answer, None)
        return answer

    def _note(
        self, impl: HookImpl, args: tuple[Any, ...], started: float, answer: Any, error: BaseException | None
    ) -> None:
        seconds = perf_counter() - started
        if impl.hook == "in_commit":
            ids = [event.message_id for event in args[1] if event.type == "message"]
            step = Step(impl.plugin, impl.hook, seconds, _together(len(args[1]), error))
            for id in ids:
                self._note_early(str(id), step)
            return
        about = args[-1]
        step = Step(impl.plugin, impl.hook, seconds, _outcome(about, answer, error))
        if isinstance(about, Draft):
            if about.trace is not None:
                about.trace.steps.append(step)
                if isinstance(error, Reject):
                    self._keep_refused(about.trace)
        elif (trace := self._traces.get(_message_id(about))) is not None:
            trace.steps.append(step)

    def _note_early(self, message_id: str, step: Step) -> None:
        self._early.setdefault(message_id, []).append(step)
        if len(self._early) > self.most:
            self._early.popitem(last=False)

    def _keep_refused(self, trace: Trace) -> None:
        self._refused[id(trace)] = trace
        if len(self._refused) > self.most:
            self._refused.popitem(last=False)

    def why(self, message_id: str | None = None, room: str | None = None) -> str:
        """What each plugin did with a message, in lines for an admin; without an id, with the newest one, of a room
        where it is given, and with those that were refused since. Raises `Reject` ``not_found``."""
        if message_id is None:
            return self._newest(room)
        trace = self._traces.get(message_id)
        if trace is None:
            text = f"{message_id!r} is not among the last {self.most} messages since the start."
            raise Reject(text, "not_found", field="message_id")
        return _told(message_id, trace)

    def _newest(self, room: str | None) -> str:
        here = [(id, trace) for id, trace in self._traces.items() if room in (None, trace.room)]
        since = here[-1][1].at if here else 0.0
        refused = [each for each in self._refused.values() if room in (None, each.room) and each.at > since]
        lines = [_told(*each) for each in here[-1:]] + [_told("refused", each) for each in refused]
        return "\n".join(lines) or "There was no message since this is kept."


def _message_id(about: object) -> str:
    if isinstance(about, Message):
        return about.id
    return (about.message_id or "") if isinstance(about, Event) and about.type == "message" else ""


def _outcome(about: object, answer: Any, error: BaseException | None) -> str:
    """What came of a call."""
    if isinstance(error, Reject):
        return f"refused: {error.message}"
    if error is not None:
        return f"failed: {type(error).__name__}: {error}"
    if isinstance(about, Draft) and isinstance(answer, Draft):
        changed = [name for name in _SHOWN if getattr(answer, name) != getattr(about, name)]
        return f"changed {', '.join(changed)}" if changed else ""
    return "changed html" if isinstance(about, Draft) and answer not in (None, about.html) else ""


def _together(events: int, error: BaseException | None) -> str:
    if error is not None:
        return _outcome(None, None, error)
    return f"with {events} events" if events > 1 else ""


def _told(what: str, trace: Trace) -> str:
    at = datetime.fromtimestamp(trace.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    lines = [f"{what}: by {trace.user} in {trace.room}, {at} UTC"]
    lines += [
        f"  {step.plugin} {step.hook}: {_time(step.seconds)}{f', {step.outcome}' if step.outcome else ''}"
        for step in trace.steps
    ]
    return "\n".join(lines if trace.steps else [*lines, "  no plugin was asked"])


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 0.001 else f"{seconds * 1e3:.1f} ms"
