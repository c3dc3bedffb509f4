"""What plugins write in the transaction of an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from ..model.values import Event
from .chains import count
from .database import Transaction
from .failures import PluginExit
from .implementation import HookImpl
from .isolation import SLOW_SECONDS, report_slow


class InCommit:
    """One plugin's part in a transaction, for the writer's thread. The writer undoes its rows when it fails."""

    def __init__(self, impl: HookImpl, failed: Callable[[HookImpl, BaseException], None]) -> None:
        self.plugin = impl.plugin
        self.on_error = impl.on_error
        self._impl = impl
        self._failed = failed

    def covers(self, room: str) -> bool:
        """Whether it is called for the events of a room."""
        return self._impl.rooms is None or room in self._impl.rooms

    def wanted(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those of ``events`` that are of the plugin's types, in the plugin's rooms; and deletions in all rooms.

        The settings may have taken a room from the plugin since it kept rows of a message there.
        """
        types, rooms = self._impl.events, self._impl.rooms
        if types is not None:
            events = [event for event in events if event.type in types]
        return (
            events
            if rooms is None
            else [event for event in events if event.room in rooms or event.type == "deleted"]
        )

    def call(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Let the plugin write along with ``events``. Raises what the plugin raises, or PluginExit."""
        impl = self._impl
        started = perf_counter()
        try:
            answer = impl.call(tx, events)
            if answer is not None:
                raise impl.wrong(answer)
        except BaseException as error:
            impl.stats.failures += 1
            self._failed(impl, error)
            if isinstance(error, Exception):
                raise
            raise PluginExit(error) from error
        finally:
            seconds = count(impl, started)
            if seconds > SLOW_SECONDS:
                report_slow(impl, seconds)
