"""How fast and how often: floods, repetitions, and what newcomers may not do yet."""

from __future__ import annotations

from collections import deque

from chatserver import Reject, addresses

from .words import plain

REPEAT_SECONDS = 300.0
MOST_USERS = 10_000


class Pace:
    """What users have said just now. 0 of anything is no limit; ``clock`` gives seconds since 1970."""

    def __init__(self, settings, clock) -> None:
        self._settings = settings
        self._clock = clock
        limits = (
            "links_per_message",
            "flood_messages",
            "repeats",
            "newcomer_minutes",
            "newcomer_wait_seconds",
        )
        self.idle = not any(getattr(settings, name) for name in limits)
        self._times: dict[str, deque[float]] = {}
        self._said: dict[str, deque[tuple[float, str]]] = {}

    def check(self, user_id: str, text: str, with_files: bool, since: float) -> None:
        """Raises `Reject` for a message that comes too fast, too often, or too early; ``since`` is when the user first
        came."""
        settings, now = self._settings, self._clock()
        self.check_links(text, with_files, since)
        if settings.flood_messages:
            times = self._times.setdefault(user_id, deque(maxlen=settings.flood_messages))
            wait = times[0] + settings.flood_seconds - now if len(times) == times.maxlen else 0
            if wait > 0:
                raise Reject("Too many messages at once.", "rate_limited", retry_after=wait)
            times.append(now)
        if settings.repeats:
            self._check_repeats(user_id, text, now)
        for kept in (self._times, self._said):
            if len(kept) > MOST_USERS:
                kept.pop(next(iter(kept)))

    def check_links(self, text: str, with_files: bool, since: float) -> None:
        """Raises `Reject` for too many links, and for what a newcomer may not do yet; of an edited text, too."""
        most = self._settings.links_per_message
        links = sum(1 for _ in addresses(text)) if most or self._settings.newcomer_minutes else 0
        self._check_newcomer(with_files or links > 0, self._clock() - since)
        if most and links > most:
            raise Reject(f"A message has {most} links at most here.")

    def _check_newcomer(self, with_more: bool, age: float) -> None:
        settings = self._settings
        wait = settings.newcomer_wait_seconds - age
        if wait > 0:
            raise Reject("You are new here: read a little first.", "rate_limited", retry_after=wait)
        left = settings.newcomer_minutes * 60 - age
        if left > 0 and with_more:
            raise Reject("You are new here: links and files are for later.", retry_after=left)

    def _check_repeats(self, user_id: str, text: str, now: float) -> None:
        said = self._said.setdefault(user_id, deque(maxlen=50))
        while said and said[0][0] < now - REPEAT_SECONDS:
            said.popleft()
        same = " ".join(plain(text).split())
        if same and sum(each == same for _, each in said) >= self._settings.repeats:
            raise Reject("You have said this already.")
        said.append((now, same))
