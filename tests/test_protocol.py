"""The wire protocol as a whole: every request and its reply, close codes, and both ways below the sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import get_args

import pytest

from chatserver.model.errors import HTTP_STATUS
from chatserver.protocol import requests
from chatserver.testing import Refused

pytestmark = [pytest.mark.transport, pytest.mark.sending]

ROOM = {"name", "title", "topic", "kind", "history", "archived", "unlisted", "read_only", "slow_mode", "guests",
        "notify", "keep_days", "permissions", "floor", "head", "joined", "unread", "mentions", "read",
        "members"}  # fmt: skip
EXAMPLES = Path(__file__).parent.parent / "examples"
ACK = {"message_id", "room", "seq", "ts"}

# Each request of the core that works, with the fields of its reply.
WORKING = {
    "join": ({"room": "general"}, {"room", "members", "count", "more_members", "events", "more"}),
    "message": ({"room": "general", "content": "hello"}, ACK),
    "edit": ({"message_id": "$sent", "content": "hello!"}, ACK | {"rev"}),
    "delete": ({"message_id": "$sent"}, {"seq"}),
    "typing": ({"room": "general", "on": True}, set()),
    "read": ({"room": "general", "seq": 1}, set()),
    "presence": ({"status": "busy", "text": "working"}, set()),
    "profile": ({"status_text": "working hard"}, {"user"}),
    "block": ({"user": "approve", "on": False}, set()),
    "blocked": ({}, {"users"}),
    "hide": ({"room": "$direct"}, set()),
    "invitations": ({}, {"invitations"}),
    "invitation": ({"room": "$invited", "accept": True}, set()),
    "sync": ({"room": "general", "after": 0, "limit": 10}, {"events", "more"}),
    "set_room": ({"room": "general", "title": "All"}, {"seq"}),
    "room_role": ({"room": "general", "user": "alice", "role": "member"}, {"seq"}),
    "members": ({"room": "general"}, {"members", "count", "more"}),
    "complete": ({"command": "help", "argument": "command", "typed": "jo"}, {"choices"}),
    "action": ({"message_id": "$request", "plugin": "approve", "action": "refuse"}, set()),
    "answer": ({"form": "$form"}, set()),
    "rooms": ({"search": "gen"}, {"rooms", "more"}),
    "audit": ({"user": "alice"}, {"entries", "more"}),
    "stats": ({}, {"users_online", "connections", "rooms", "messages_total", "messages_per_second",
                   "uptime_seconds", "server_time", "version"}),
    "ping": ({}, set()),
    "leave": ({"room": "general"}, set()),
}  # fmt: skip

both = pytest.mark.parametrize("transport", ["lean", "stream"])


def by(transport, **more):
    return {"server": {"transport": transport}, **more}


def tag_of(request) -> str:
    return str(request.__struct_config__.tag)


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


def test_no_request_is_forgotten_here():
    assert {tag_of(request) for request in get_args(requests.Core)} == {"hello", *WORKING}


async def test_every_request_is_answered_with_its_fields(chat):
    async with chat(
        plugins=["basics", "approve"], dirs=[EXAMPLES], accounts={"alice": "moderator"}
    ) as server:
        alice = await server.client("alice", forms=True)
        sent = None
        await alice.join("general")
        await alice.says("/request tea")
        known = {"$request": (await alice.hears()).message_id}
        bob = await server.account("bob")
        known["$direct"] = (await alice.says("hi", to="bob")).room
        await alice.ask("profile", added_by="ask")
        for method, path, body in (
            ("POST", "rooms", {"name": "tea"}),
            ("POST", "rooms/tea/members", {"user": "alice"}),
        ):
            await server.api(method, path, body, token=bob.token)
        known["$invited"] = "tea"
        for type, (fields, reply_fields) in WORKING.items():
            if "$form" in fields.values():
                known["$form"] = (await alice.hears("form")).form
            known["$sent"] = sent
            filled = {key: known.get(value, value) for key, value in fields.items()}
            reply = await alice.ask(type, **filled)
            assert set(reply) == {"type", "re"} | reply_fields, type
            sent = reply.get("message_id", sent)


async def test_unknown_fields_are_ignored(chat):
    async with chat() as server:
        alice = await server.client("alice", later="field", resume={"epoch": "e", "rooms": {}, "more": 1})
        assert await alice.ask("ping", colour="blue", nested={"a": [1, None]})


async def test_a_room_on_the_wire(chat):
    async with chat() as server:
        alice = await server.client("alice")
        (room,) = alice.welcome.rooms
        assert set(room) == ROOM
        assert set((await alice.join("general")).room) == ROOM | {"role"}
        sent = await alice.says("x", to=(await server.client("bob")).id)
        direct = next(r for r in (await alice.ask("rooms")).rooms if r["name"] == sent.room)
        assert set(direct) == ROOM | {"role", "with"}


async def test_a_filter_of_a_plugin_says_who_refused(chat):
    async with chat(plugins={"moderation": {"words": ["darn"]}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        error = await refused(alice.says("darn it", nonce="n"))
        assert (error.code, error.error.plugin) == ("rejected", "moderation")
        assert not await bob.heard()
        # A nonce that was refused is free for another text.
        assert "dup" not in await alice.says("oh dear", nonce="n")


async def test_our_own_mistakes_are_answered_logged_and_survived(chat, monkeypatch, caplog):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        with monkeypatch.context() as broken:
            broken.setattr(server.services.rooms, "get", None)
            assert (await refused(alice.ask("sync", room="general", after=0))).code == "internal"
            status, answer = await server.api("GET", "rooms/general", token=alice.token)
            assert (status, answer.error["code"]) == (500, "internal")
            assert "NoneType" not in str(answer)
        with monkeypatch.context() as broken:
            broken.setattr(server.services.messages, "_draft", None)
            assert (await refused(alice.says("x"))).code == "internal"
        await alice.says("fine again")
        assert (await bob.hears()).content == "fine again"
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR and r.exc_info]) == 3


def test_every_error_code_has_a_status():
    assert set(HTTP_STATUS.values()) <= {400, 401, 403, 404, 409, 413, 429, 500, 503}


# The socket


@both
async def test_the_handshake(chat, raw, quiet, transport):
    async with chat(settings=by(transport)) as server:
        for offered, chosen in (("chat.v1", True), ("chat.v0, chat.v1", True), ("chat.v9", False)):
            async with raw(server) as socket:
                head = await socket.upgrade("/ws", f"Sec-WebSocket-Protocol: {offered}")
                assert head.startswith("HTTP/1.1 101 ")
                assert ("sec-websocket-protocol: chat.v1" in head.lower()) is chosen
                assert "permessage-deflate" not in head
        for line, status in (("Sec-WebSocket-Version: 12", 426), ("X: y", 101)):
            async with raw(server) as socket:
                head = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                version = line if status != 101 else "Sec-WebSocket-Version: 13"
                await socket.send(
                    f"{head}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{version}\r\n\r\n".encode()
                )
                assert f" {status} " in await socket.head()


@both
async def test_frames_behind_the_handshake_are_not_lost(chat, raw, quiet, transport):
    """A client may send its first frames without waiting for the answer."""
    from tests.conftest import client_frame

    async with chat(settings=by(transport)) as server, raw(server) as socket:
        hello = client_frame(json.dumps({"type": "hello", "name": "eager"}).encode())
        ping = client_frame(json.dumps({"type": "ping", "id": "p"}).encode())
        head = (
            "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await socket.send(head.encode() + hello + ping[:5])
        await socket.head()
        await socket.until("live")
        await socket.send(ping[5:])
        assert (await socket.until("ok"))["re"] == "p"


@both
async def test_pieces_pings_and_the_closing_handshake(chat, raw, quiet, transport, eventually):
    async with chat(settings=by(transport)) as server, raw(server) as socket:
        await socket.upgrade()
        hello = json.dumps({"type": "hello", "name": "alice"}).encode()
        await socket.frame(hello[:5], 1, final=False)
        await socket.frame(b"are you there?", 9)
        await socket.frame(hello[5:], 0)
        assert await socket.read_frame() == (10, b"are you there?")
        await socket.until("live")
        await socket.frame(b"\x03\xe8bye", 8)
        assert (await socket.read_frame())[1][:2] == b"\x03\xe8"
        assert await socket.rest() == b""
        await eventually(lambda: len(server.server.context.keepalive) == 0)
        await eventually(lambda: server.services.presence.online() == 0)


@both
@pytest.mark.parametrize("how", ["reset", "vanish"])
async def test_a_client_that_vanishes_is_shown_as_gone(chat, raw, quiet, transport, how, eventually):
    async with chat(settings=by(transport)) as server:
        alice = (await server.join("general", "alice"))[0]
        async with raw(server) as socket:
            await socket.upgrade("/ws/general")
            await socket.say(type="hello", name="bob")
            await socket.until("rooms")
            if how == "vanish":
                socket.writer.write_eof()
                await socket.rest()
        assert (await alice.hears("left")).user["name"] == "bob"
        await eventually(lambda: len(server.server.context.keepalive) == 1)
        await alice.says("still here")


@both
async def test_a_frame_too_large_is_told_so(chat, raw, quiet, transport):
    async with chat(settings=by(transport)) as server, raw(server) as socket:
        await socket.upgrade()
        await socket.say(type="hello", name="alice")
        await socket.until("live")
        await socket.frame(b"x" * 10_000_000)
        assert (await socket.to_the_end())[1] == 1009


@both
async def test_who_breaks_the_protocol_is_hung_up_on_at_once(chat, raw, quiet, transport):
    """RFC 6455, sections 7.1.1 and 7.1.7: the server ends the connection, and heeds no answer to its close frame."""
    async with chat(settings=by(transport)) as server, raw(server) as socket:
        await socket.upgrade()
        await socket.frame(b"", 3)
        assert await socket.to_the_end() == ([], 1002)
        await socket.frame(b"\x03\xea", 8)
        # Within less than `CLOSE_SECONDS`, which is how long a server that waits for an answer takes.
        async with asyncio.timeout(3):
            assert await socket.rest() == b""


@both
async def test_many_requests_in_one_write(chat, raw, quiet, transport):
    from tests.conftest import client_frame

    async with chat(settings=by(transport)) as server, raw(server) as socket:
        bob = (await server.join("general", "bob"))[0]
        await socket.upgrade("/ws/general")
        lines = [{"type": "hello", "name": "alice"}]
        lines += [{"type": "message", "id": f"{n}", "room": "general", "content": f"{n}"} for n in range(200)]
        lines += [{"type": "stats", "id": "end"}]
        await socket.send(b"".join(client_frame(json.dumps(line).encode()) for line in lines))
        replies = []
        while not replies or replies[-1] != "end":
            reply = await socket.until("ok")
            replies += [reply["re"]] if reply["re"] else []
        assert replies[-201:] == [*(f"{n}" for n in range(200)), "end"]
        assert [e["content"] for e in await bob.heard()] == [f"{n}" for n in range(200)]


@both
async def test_slow_and_quick_readers(chat, raw, quiet, transport, eventually):
    settings = by(transport, limits={"send_buffer_bytes": 65_536})
    async with chat(settings=settings) as server, raw(server, receive_buffer=4096) as socket:
        alice, bob = await server.join("general", "alice", "bob")
        await socket.upgrade("/ws/general")
        await socket.say(type="hello", name="sleepy")
        await socket.until("live")
        sent = 0
        while len(server.server.context.keepalive) == 3:
            await alice.says("x" * 8000)
            sent += 1
            assert sent < 3000
        assert len(await bob.heard()) == sent
        events, code = await socket.to_the_end()
        assert code == 4013
        seqs = [e["seq"] for e in events if e["type"] == "message"]
        assert seqs == list(range(2, 2 + len(seqs)))
