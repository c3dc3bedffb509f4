"""The machine's clock is set back an hour: nothing that measures time may wait for that hour."""

from __future__ import annotations

import time

import pytest

from chatserver.accounts import credentials, login_throttle
from chatserver.testing import Refused


class WallClock:
    """The time of day, which can be set back; the monotonic clock goes on, as it does on a machine."""

    def __init__(self):
        self._real = time.time
        self._shift = 0.0

    def __call__(self) -> float:
        return self._real() + self._shift

    def set_back(self):
        """By an hour."""
        self._shift -= 3600


@pytest.fixture
def wall(monkeypatch):
    """The clock of the machine, for ``chat(clock=…)`` too."""
    clock = WallClock()
    monkeypatch.setattr(time, "time", clock)
    return clock


async def refused(client, text):
    """How many seconds the client has to wait before it may send this; None if it was taken."""
    try:
        await client.says(text)
    except Refused as refusal:
        return refusal.error["retry_after"]
    return None


async def test_a_sender_at_the_limit_may_go_on_after_a_moment(chat, wall):
    limits = {"messages_per_second": 2, "burst": 3}
    async with chat(settings={"limits": limits}, clock=wall) as server:
        (alice,) = await server.join("general", "alice")
        while await refused(alice, "before") is None:
            pass
        wall.set_back()
        deadline = time.monotonic() + 3
        while (seconds := await refused(alice, "after")) is not None:
            assert seconds < 1
            assert time.monotonic() < deadline


async def test_an_account_is_not_locked_for_longer(chat, wall):
    async with chat(clock=wall) as server:
        await server.account("alice")
        for _ in range(credentials.FREE_GUESSES):
            answer = await server.http("POST", "/api/v1/login", {"name": "alice", "password": "wrong wrong"})
            assert answer.code == 401
        wall.set_back()
        answer = await server.http("POST", "/api/v1/login", {"name": "alice", "password": "correct horse"})
        assert answer.code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= login_throttle.SHORTEST_WAIT


async def test_the_name_of_a_guest_who_left_is_free(chat, wall, eventually):
    async with chat(timeouts={"name_grace": 0.0}, clock=wall) as server:
        alice = await server.client("alice")
        await alice.leave()
        await eventually(lambda: not server.services.presence.online())
        wall.set_back()
        again = await server.client("alice")
        assert again.name == "alice"


async def test_idle_rooms_are_unloaded_and_changed_ones_are_known(chat, wall):
    async with chat(clock=wall) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("x")
        rooms = server.services.rooms
        wall.set_back()
        assert rooms.recently_changed(["general"]) == {"general": 2}
        await alice.says("y")
        assert rooms.recently_changed(["general"]) == {"general": 3}
        wall.set_back()
        rooms.unload_idle(lambda name: False, 0.0)
        assert len(rooms) == 0


async def test_figures_stay_true(chat, wall):
    async with chat(clock=wall) as server:
        before = (await (await server.client("alice")).ask("stats")).uptime_seconds
        wall.set_back()
        (bob,) = await server.join("general", "bob")
        await bob.says("x")
        stats = await bob.ask("stats")
        assert stats.uptime_seconds >= before >= 0
        assert stats.messages_per_second >= 0
