"""Pages are bounded in bytes as well as in events, and a client that doesn't read its answers loses the connection."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.chat.pages import PAGE_BYTES, first_that_fit, last_that_fit
from chatserver.model.values import Event, Message, User
from chatserver.testing import Refused

ANN = User("u1", "ann", "ann")
LONG = "long " * 1500
SETTINGS = {"limits": {"messages_per_second": 1000, "burst": 1000}}
MESSAGES = 40


def event(seq: int, size: int) -> Event:
    text = "x" * size
    message = Message(f"m{seq}", "general", seq, 0.0, ANN, text, text)
    return Event("general", seq, "message", 0.0, ANN, message.id, message)


@given(st.lists(st.integers(0, 2 * PAGE_BYTES), max_size=20))
def test_a_page_has_an_event_at_least_and_as_many_as_fit(sizes: list[int]) -> None:
    events = [event(seq, size) for seq, size in enumerate(sizes)]
    first, last = list(first_that_fit(events)), list(last_that_fit(events))
    assert first == events[: len(first)]
    assert last == events[len(events) - len(last) :]
    for page in (first, last):
        assert bool(page) == bool(events)
        if len(page) > 1:
            assert sum(2 * len(each.message.content) for each in page if each.message) <= PAGE_BYTES


async def wrote(server, count: int = MESSAGES) -> tuple:
    (alice,) = await server.join("general", "alice")
    for n in range(count):
        await alice.says(f"{n} {LONG}")
    return alice, alice.welcome


def texts(events: list) -> list[str]:
    return [each["content"].partition(" ")[0] for each in events if each["type"] == "message"]


@pytest.mark.parametrize("request_type", ["sync", "history"])
async def test_long_messages_come_in_more_pages_than_one(chat, request_type) -> None:
    async with chat(plugins=["history"], settings=SETTINGS) as server:
        alice, _ = await wrote(server)
        found, after, pages, more = [], 0, 0, True
        while more:
            reply = await alice.ask(request_type, room="general", after=after, limit=200)
            assert len(json.dumps(reply)) < 2 * PAGE_BYTES
            found += reply["events"]
            after, more, pages = reply["events"][-1]["seq"], reply["more"], pages + 1
        assert texts(found) == [str(n) for n in range(MESSAGES)]
        assert pages > 3


async def test_older_pages_end_where_the_page_before_began(chat) -> None:
    async with chat(plugins=["history"], settings=SETTINGS) as server:
        alice, _ = await wrote(server)
        found, before, more = [], None, True
        while more:
            where = {} if before is None else {"before": before}
            reply = await alice.ask("history", room="general", limit=200, **where)
            found = reply["events"] + found
            before, more = reply["events"][0]["seq"], reply["more"]
        assert texts(found) == [str(n) for n in range(MESSAGES)]


async def test_what_is_around_a_message_stays_around_it(chat) -> None:
    async with chat(plugins=["history"], settings=SETTINGS) as server:
        alice, _ = await wrote(server)
        middle = (await alice.ask("sync", room="general", after=20, limit=1))["events"][0]
        token = {"Authorization": f"Bearer {alice.token}"}
        path = f"/api/v1/rooms/general/messages?around={middle['seq']}&limit=200"
        answer = await server.http("GET", path, headers=token)
        assert len(answer.body) < 3 * PAGE_BYTES
        page = json.loads(answer.body)
        seqs = [each["seq"] for each in page["events"]]
        assert seqs == list(range(seqs[0], seqs[-1] + 1))
        assert seqs[0] < middle["seq"] < seqs[-1]
        assert page["more"] is True


async def test_reading_over_http_is_limited_like_requests_over_websocket(chat) -> None:
    settings = {"limits": {"messages_per_second": 0.2, "burst": 1}}
    async with chat(settings=settings) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        token = {"Authorization": f"Bearer {alice.token}"}
        codes = [(await server.http("GET", "/api/v1/rooms", headers=token)).code for _ in range(12)]
        assert codes[0] == 200
        assert codes[-1] == 429
        with pytest.raises(Refused) as caught:
            await alice.ask("rooms")
        assert caught.value.code == "rate_limited"
        assert await bob.ask("rooms")


async def test_refused_changes_over_http_are_limited_too(chat) -> None:
    settings = {"limits": {"messages_per_second": 0.2, "burst": 1}}
    async with chat(settings=settings) as server:
        alice = await server.client("alice")
        token = {"Authorization": f"Bearer {alice.token}"}
        codes = [
            (await server.http("DELETE", "/api/v1/messages/m99z2", headers=token)).code for _ in range(12)
        ]
        assert codes[0] == 404
        assert codes[-1] == 429


async def test_a_client_that_takes_no_answer_loses_its_http_connection(chat, raw) -> None:
    async with chat(plugins=["history"], settings=SETTINGS, timeouts={"write": 0.3}) as server:
        alice, _ = await wrote(server)
        async with raw(server, receive_buffer=4096) as socket:
            request = (
                "GET /api/v1/rooms/general/messages?limit=200 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {alice.token}\r\n\r\n"
            )

            async def ask_on() -> None:
                # No answer is read, so that the server reads no more requests, until it gives up.
                while True:
                    await asyncio.wait_for(socket.send(request.encode() * 100), 10)

            with pytest.raises(ConnectionError):
                await ask_on()
        assert await alice.ask("ping")


@pytest.mark.transport
async def test_a_client_that_takes_no_reply_loses_its_websocket(chat, raw, eventually) -> None:
    async with chat(plugins=["history"], settings=SETTINGS, timeouts={"write": 0.3}) as server:
        alice, _ = await wrote(server)
        async with raw(server, receive_buffer=4096) as socket:
            await socket.upgrade()
            await socket.say(type="hello", token=alice.token)
            await socket.until("live")
            for n in range(40):
                await socket.say(type="sync", id=f"s{n}", room="general", after=0, limit=500)
            await eventually(lambda: server.server.services.metrics.closes[4013] == 1)
        assert await alice.ask("ping")
