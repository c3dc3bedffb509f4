"""examples/webhooks.py: out at least once and signed, in with a secret."""

# ruff: noqa: ASYNC110 - what is waited for is in the database

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging

import pytest

from chatserver.model.errors import ConfigError
from chatserver.testing import Clock

SECRET = "correct horse battery"
IN = "Secret0123456789"


@pytest.fixture
def hooked(chat, examples, outside, tmp_path):
    clock = Clock()

    def make(**own):
        settings = {"out": {"general": f"{outside.url}/hook"}, "secret": SECRET, "incoming": {"general": IN}}
        return chat(
            plugins={"basics": {}, "webhooks": {**settings, **own}},
            dirs=[examples],
            settings={**outside.settings, "store": {"url": f"sqlite:{tmp_path}/chat.db"}},
            clock=clock,
        )

    make.clock = clock
    return make


async def read(server):
    """All that was said is noted."""
    async with asyncio.timeout(10):
        while any((await server.plugin("webhooks").following()).values()):
            await asyncio.sleep(0.005)


async def test_what_is_said_goes_out_in_order_and_signed(hooked, outside):
    async with hooked() as server:
        alice, _ = await server.join("general", "alice", "bob")
        sent = await alice.says("tea?")
        await alice.ask("edit", message_id=sent.message_id, content="Tea!")
        await alice.ask("delete", message_id=sent.message_id)
        await alice.says("not for you", to="bob")
        await read(server)
        await hooked.clock.move(1)
        requests = [await outside.next() for _ in range(3)]
        assert outside.asked.empty()
    for request in requests:
        signature = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["X-Signature"] == f"sha256={signature}"
    bodies = [json.loads(request.body) for request in requests]
    assert [body["type"] for body in bodies] == ["message", "edited", "deleted"]
    assert {(body["room"], body["user"], body["message_id"]) for body in bodies} == {
        ("general", "alice", sent.message_id)
    }


async def test_what_fails_comes_again_later_and_later_also_after_a_restart(hooked, outside, caplog):
    caplog.set_level(logging.WARNING)
    outside.answer = lambda request: (503, "")
    async with hooked() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("one")
        await alice.says("two")
        await read(server)
        counts = []
        for _ in range(16):
            await hooked.clock.move(1)
            counts.append(outside.asked.qsize())
        # Tried after 1 s, and then 1, 2, 4, 8 s later; the second one waits for the first.
        assert counts == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]
        assert {(await outside.sent())["text"] for _ in range(5)} == {"one"}
        await server.restart()
        outside.answer = lambda request: (204, "")
        await hooked.clock.move(3600)
        assert [(await outside.sent())["text"] for _ in range(2)] == ["one", "two"]
        assert await server.plugin("webhooks").db.query("SELECT * FROM webhooks_out") == []
    assert len([text for text in caplog.messages if "tried again" in text]) == 1


async def test_a_server_that_is_away_does_not_hold_up_another_room(hooked, outside):
    out = {"general": "http://127.0.0.1:1/", "tea": f"{outside.url}/hook"}
    async with hooked(out=out) as server:
        alice = await server.account("alice", "admin")
        await server.api("POST", "rooms", {"name": "tea", "title": "Tea"}, token=alice.token)
        for room in ("general", "tea"):
            await alice.join(room)
            await alice.says(f"in {room}")
        await read(server)
        await hooked.clock.move(1)
        assert (await outside.sent())["text"] == "in tea"


async def test_other_servers_say_something_under_a_name_of_theirs(hooked, outside):
    async with hooked() as server:
        (alice,) = await server.join("general", "alice")
        path, bodies = (
            f"/plugins/webhooks/in/general?secret={IN}",
            [{"text": "Built."}, {"text": "Red.", "name": "CI", "id": "7"}],
        )
        for body in (*bodies, bodies[-1]):
            assert (await server.http("POST", path, body)).code == 200
        heard = await alice.heard("message")
        assert [(event.get("display_name"), event.content) for event in heard] == [
            (None, "Built."),
            ("CI", "Red."),
        ]
        await read(server)
        await hooked.clock.move(5)
        # What came in doesn't go out.
        assert outside.asked.empty()


@pytest.mark.parametrize(
    ("secret", "sent", "status", "code", "field"),
    [
        ("Wrong0123456789a", {"text": "x"}, 404, "not_found", None),
        (IN, {"text": " "}, 400, "invalid", "content"),
        (IN, {}, 400, "invalid", "text"),
        (IN, {"text": 3}, 400, "invalid", "text"),
        (IN, {"text": "x", "name": ""}, 400, "invalid", "display_name"),
        (IN, {"text": "x", "name": "n" * 100}, 400, "invalid", "display_name"),
        (IN, {"text": "x", "id": "i" * 65}, 400, "invalid", "nonce"),
        (IN, {"text": "x", "id": ""}, 400, "invalid", "nonce"),
        (IN, {"text": "x" * 20_000}, 413, "too_large", "content"),
        (IN, b"{", 400, "bad_request", None),
    ],
)
async def test_what_comes_in_wrong_is_refused(hooked, secret, sent, status, code, field):
    async with hooked() as server:
        (alice,) = await server.join("general", "alice")
        if isinstance(sent, bytes):
            answer = await server.http(
                "POST",
                f"/plugins/webhooks/in/general?secret={secret}",
                body=sent,
                headers={"Content-Type": "application/json"},
            )
        else:
            answer = await server.http("POST", f"/plugins/webhooks/in/general?secret={secret}", sent)
        error = json.loads(answer.body)["error"]
        assert (answer.code, error["code"], error.get("field")) == (status, code, field)
        assert not await alice.heard("message")


async def test_a_room_without_a_webhook_looks_like_a_wrong_secret(hooked):
    async with hooked() as server:
        for path in (
            f"in/tea?secret={IN}",
            "in/tea?secret=",
            "in/tea",
            "in/general",
            "in/general?secret=%C3%A9",
        ):
            answer = await server.http("POST", f"/plugins/webhooks/{path}", {"text": "x"})
            error = json.loads(answer.body)["error"]
            assert (answer.code, error["message"]) == (404, "There is no such webhook.")


async def test_too_much_is_refused_for_a_while(hooked):
    async with hooked(a_minute=2) as server:
        path = f"/plugins/webhooks/in/general?secret={IN}"
        answers = [await server.http("POST", path, {"text": "x"}) for _ in range(3)]
        assert [answer.code for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["Retry-After"] == "61"
        await hooked.clock.move(60)
        assert (await server.http("POST", path, {"text": "x"})).code == 200


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"secret": "short"}, "secret: 16 characters"),
        ({"out": {"general": "ftp://x"}}, "begins with http"),
        ({"incoming": {"general": "short"}}, "the secret of general"),
        ({"a_minute": 0}, "a_minute: 1 at least"),
    ],
)
async def test_wrong_settings_are_told(hooked, wrong, told):
    with pytest.raises(ConfigError, match=told):
        await hooked(**wrong).start()
