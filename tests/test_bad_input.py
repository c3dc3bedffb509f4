"""What no client should send: each gets its error, no other client notices, and the log holds nothing of it."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.protocol.decoder import BadRequest, Decoder
from chatserver.protocol.requests import PluginRequest, Request
from chatserver.testing import Refused
from tests.conftest import client_frame

pytestmark = pytest.mark.transport

FRAMES = [
    (b"hello", "bad_request", None),
    (b"", "bad_request", None),
    (b'{"type":"ping"', "bad_request", None),
    (b'{"type":"ping"}{"type":"ping"}', "bad_request", None),
    (b"[]", "bad_request", None),
    (b'"ping"', "bad_request", None),
    (b"null", "bad_request", None),
    (b"[" * 50_000, "bad_request", None),
    (b"{}", "bad_request", "type"),
    (b'{"type":null}', "bad_request", "type"),
    (b'{"type":7}', "bad_request", "type"),
    (b'{"type":"\\ud800"}', "bad_request", None),
    (b'{"type":"nosuch"}', "unknown_type", "type"),
    (b'{"type":"polls:vote"}', "unknown_type", "type"),
    (b'{"type":"ping","type":"message","room":"general","content":"x"}', "bad_request", "type"),
    (b'{"type":"nosuch","type":"ping"}', "bad_request", "type"),
    (b'{"type":"ping","id":7}', "invalid", "id"),
    (b'{"type":"ping","id":""}', "invalid", "id"),
    (b'{"type":"ping","id":"' + b"x" * 65 + b'"}', "invalid", "id"),
    (b'{"type":"join"}', "invalid", "room"),
    (b'{"type":"join","room":7}', "invalid", "room"),
    (b'{"type":"join","room":""}', "invalid", "room"),
    (b'{"type":"join","room":"' + b"x" * 257 + b'"}', "invalid", "room"),
    (b'{"type":"join","room":"nowhere"}', "not_found", "room"),
    (b'{"type":"join","room":"general","after":-1}', "invalid", "after"),
    (b'{"type":"sync","room":"general","after":0,"limit":501}', "invalid", "limit"),
    (b'{"type":"sync","room":"general","after":0,"limit":0}', "invalid", "limit"),
    (b'{"type":"sync","room":"general","after":9007199254740992}', "invalid", "after"),
    (b'{"type":"sync","room":"general","after":1e999}', "invalid", "after"),
    (b'{"type":"read","room":"general","seq":999}', "invalid", "seq"),
    (b'{"type":"read","room":"general"}', "invalid", "seq"),
    (b'{"type":"presence","status":"asleep"}', "invalid", "status"),
    (b'{"type":"presence","status":"away","text":"' + b"x" * 101 + b'"}', "invalid", "text"),
    (b'{"type":"message","room":"general"}', "invalid", "content"),
    (b'{"type":"message","room":"general","content":""}', "invalid", "content"),
    (b'{"type":"message","room":"general","content":7}', "invalid", "content"),
    (b'{"type":"message","room":"general","content":" \\t\\n "}', "invalid", "content"),
    ('{"type":"message","room":"general","content":"\u200b\u2060\ufeff"}'.encode(), "invalid", "content"),
    (b'{"type":"message","room":"general","content":"a\\u0000b"}', "invalid", "content"),
    (b'{"type":"message","room":"general","content":"a\\u001bb"}', "invalid", "content"),
    (b'{"type":"message","room":"general","content":"x","nonce":""}', "invalid", "nonce"),
    (b'{"type":"message","room":"general","content":"x","nonce":"' + b"x" * 65 + b'"}', "invalid", "nonce"),
    (b'{"type":"message","room":"general","content":"x","files":["f1"]}', "invalid", "files"),
    (b'{"type":"message","room":"general","content":"x","files":["f1","f1"]}', "invalid", "files"),
    (b'{"type":"message","to":"nobody","content":"x"}', "not_found", None),
    (b'{"type":"message","to":"system","content":"x"}', "invalid", "to"),
    (b'{"type":"edit","message_id":"m1"}', "invalid", "content"),
    (b'{"type":"edit","message_id":"m1","content":"x","rev":1}', "invalid", "rev"),
    (b'{"type":"edit","message_id":"m1","content":"x"}', "not_found", "message_id"),
    (b'{"type":"hello","name":"again"}', "bad_request", "type"),
]


async def test_a_bad_frame_is_answered_and_changes_nothing(chat, quiet):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        before = (await bob.ask("sync", room="general", after=0)).events
        for frame, code, field in FRAMES:
            await alice.send(frame)
            error = await alice.hears("error")
            assert error.code == code, frame[:60]
            if field is not None:
                assert error.field == field, frame[:60]
            assert error.message
            # Both go on as if nothing had been.
            assert await alice.ask("ping")
            assert not await bob.heard("message"), frame[:60]
        assert (await bob.ask("sync", room="general", after=0)).events == before


async def test_a_request_that_can_be_read_so_far_gets_its_id_back(chat):
    async with chat() as server:
        alice = await server.client("alice")
        for frame, re in (
            ({"type": "nosuch", "id": "7"}, "7"),
            ({"type": "join", "id": "8"}, "8"),
            ({"type": "ping", "id": "x" * 65}, None),
            (b'{"type":"message","id":"9","room":"general","content":"\\ud800"}', "9"),
            (b'{"a":{"\\udc00":["\\ud800"]},"type":"ping","id":"10"}', "10"),
            (b'{"type":"ping","id":"\\ud800"}', None),
            (b'{"type":"ping","id":"11"', None),
        ):
            await alice.send(frame)
            assert (await alice.hears("error"))["re"] == re


async def test_binary_frames_are_refused_and_the_connection_is_kept(chat, quiet):
    async with chat() as server:
        alice = await server.client("alice")
        await alice.send(b'{"type":"ping","id":"1"}', binary=True)
        assert (await alice.hears("error")).code == "bad_request"
        assert await alice.ask("ping")


@pytest.mark.parametrize("field", ["content", "nobody knows this one"])
async def test_bytes_that_are_no_utf8(chat, raw, quiet, field):
    async with chat() as server, raw(server) as socket:
        (bob,) = await server.join("general", "bob")
        await socket.upgrade()
        await socket.say(type="hello", name="mallory")
        await socket.until("live")
        await socket.frame(b'{"type":"message","room":"general","%s":"\xff\xfe"}' % field.encode())
        assert (await socket.to_the_end())[1] == 1007
        assert not await bob.heard()


@pytest.mark.parametrize("pieces", [1, 10])
async def test_a_frame_of_ten_megabytes(chat, raw, quiet, pieces):
    async with chat() as server, raw(server) as socket:
        (bob,) = await server.join("general", "bob")
        await socket.upgrade()
        await socket.say(type="hello", name="mallory")
        await socket.until("live")
        piece = b"x" * (10_000_000 // pieces)
        for n in range(pieces):
            await socket.frame(piece, 1 if n == 0 else 0, final=n == pieces - 1)
        _, code = await socket.to_the_end()
        assert code == 1009
        assert await bob.ask("ping")


async def test_a_frame_at_the_limit_and_one_byte_over_it(chat, raw, quiet):
    async with chat(settings={"limits": {"frame_bytes": 2048}}) as server, raw(server) as socket:
        await socket.upgrade()
        empty = len(json.dumps({"type": "hello", "name": "x", "padding": ""}))
        await socket.say(type="hello", name="x", padding="c" * (2048 - empty))
        await socket.until("live")
        await socket.frame(b" " * 2049)
        assert (await socket.to_the_end())[1] == 1009


async def test_a_thousand_requests_before_hello(chat, raw, quiet):
    async with chat() as server, raw(server) as socket:
        (bob,) = await server.join("general", "bob")
        await socket.upgrade()
        for n in range(1000):
            socket.writer.write(b"")
            await socket.say(type="message", id=f"{n}", room="general", content="x")
        events, code = await socket.to_the_end()
        assert [(e["code"], e["re"]) for e in events] == [("hello_required", "0")]
        assert code == 4001
        assert not await bob.heard()


async def test_what_a_plugin_answered_once_may_be_asked_again_and_again(chat):
    async with chat() as server:
        alice = await server.client("alice")
        for n in range(150):
            await alice.send({"type": "polls:vote", "id": f"{n}"})
        answers = [await alice.hears("error") for _ in range(150)]
        assert [each["re"] for each in answers] == [f"{n}" for n in range(150)]
        assert {each.code for each in answers} <= {"unknown_type", "rate_limited"}
        assert answers[0].code == "unknown_type"
        assert answers[0].field == "type"
        await alice.send({"type": "ping", "id": "still here"})
        assert await alice.hears("ok", re="still here")


async def test_nothing_but_rubbish_ends_with_4029(chat, raw, caplog):
    caplog.set_level(logging.INFO)
    async with chat() as server, raw(server) as socket:
        await socket.upgrade()
        await socket.say(type="hello", name="mallory")
        await socket.until("live")
        for _ in range(300):
            await socket.frame(b"rubbish")
        events, code = await socket.to_the_end()
        assert code == 4029
        assert {e["code"] for e in events} == {"bad_request"}
        assert 100 <= len(events) <= 110
    said = [r for r in caplog.records if r.name.startswith("chatserver") and "bad frames" in r.getMessage()]
    assert len(said) == 1
    assert not [r for r in caplog.records if r.exc_info]


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "x" * 33, "a@b", "#a", "a/b", "a\x00b", "a\x1bb", "\u202eecila", "a\u200bb", "a\u00adb",
     "\u0301a", "a" + "\u0301" * 10, "\ufeff", "\u2800", "a\nb"],
)  # fmt: skip
async def test_names_that_are_none(chat, quiet, name):
    async with chat() as server:
        client = await server.connect()
        with pytest.raises(Refused) as caught:
            await client.ask("hello", name=name)
        assert (caught.value.code, caught.value.field) == ("invalid", "name")
        # The connection stays open for another try.
        await client.hello(name="fine")


@pytest.mark.parametrize("name", ["ALICE", "аlice", "a1ice", "aIice", "ａｌｉｃｅ"])
async def test_names_that_look_like_those_of_others(chat, name):
    async with chat() as server:
        await server.client("alice")
        with pytest.raises(Refused) as caught:
            await server.client(name)
        assert (caught.value.code, caught.value.field) == ("name_taken", "name")


async def test_a_message_at_the_limit_and_one_over_it(chat, quiet):
    async with chat(settings={"limits": {"content_chars": 100}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("字" * 100)
        assert (await bob.hears()).content == "字" * 100
        with pytest.raises(Refused) as caught:
            await alice.says("字" * 101)
        assert (caught.value.code, caught.value.field) == ("too_large", "content")
        sent = await alice.says("x")
        with pytest.raises(Refused) as caught:
            await alice.ask("edit", message_id=sent.message_id, content="x" * 101)
        assert caught.value.code == "too_large"


async def test_markup_is_text(chat):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    async with chat(plugins=["basics", "emoji", "files"]) as server:
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        alice, bob = await server.join("general", "<b>a</b>".replace("/", "|"), "bob")
        await alice.says(evil)
        html = (await bob.hears()).html
        assert "<script" not in html
        assert "<img" not in html
        await mod.says(f"/topic {evil}")
        changed = await bob.hears("room")
        assert changed.topic == evil  # plain text on the wire, escaped where it is shown


# The decoder


class Fields(Request, frozen=True):
    number: int = 0


decoder = Decoder({"polls:vote": Fields})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
types = ["hello", "join", "leave", "message", "edit", "delete", "typing", "read", "presence", "sync", "members",
         "rooms", "stats", "ping", "polls:vote"]  # fmt: skip
keys = ["id", "room", "to", "content", "nonce", "reply_to", "files", "after", "limit", "seq", "on", "status",
        "text", "message_id", "rev", "token", "name", "client", "resume", "epoch", "rooms"]  # fmt: skip


def decode_anything(frame: bytes) -> None:
    """A request, or a refusal that can go on the wire; nothing else."""
    try:
        request = decoder.decode(frame)
    except BadRequest as bad:
        refusal = bad.reject
    else:
        refusal = None
    if refusal is not None:
        assert refusal.code in ("bad_request", "unknown_type", "invalid")
        assert f"{refusal.message}{refusal.field}".encode()
    else:
        assert isinstance(request, Request | PluginRequest)
        assert request.id is None or 0 < len(request.id) <= 64


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(frame):
    decode_anything(frame)


@given(json_values)
def test_any_json_is_a_request_or_refused(value):
    decode_anything(json.dumps(value).encode())


@given(st.sampled_from(types), st.dictionaries(st.sampled_from(keys), json_values, max_size=6))
def test_any_fields_are_a_request_or_refused(type, fields):
    decode_anything(json.dumps({"type": type, **fields}).encode())


@given(st.sampled_from(types), st.binary(max_size=30), st.integers(0, 60))
def test_a_damaged_request_is_refused_or_another(type, noise, at):
    frame = json.dumps({"type": type, "id": "1", "room": "general", "content": "x", "seq": 1}).encode()
    decode_anything(frame[:at] + noise + frame[at:])


@pytest.mark.parametrize("transport", ["lean", "stream"])
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (client_frame(b"\xff"), 1007),
        (client_frame(b"x" * 2049), 1009),
        (client_frame(b"x", opcode=3), 1002),
    ],
    ids=["text", "size", "opcode"],
)
async def test_who_breaks_the_protocol_gets_the_answers_and_is_gone(
    chat, raw, quiet, caplog, transport, broken, code
):
    caplog.set_level("INFO", "chatserver")
    settings = {"server": {"transport": transport}, "limits": {"frame_bytes": 2048}}
    async with chat(settings=settings) as server, raw(server) as socket:
        await socket.upgrade()
        await socket.say(type="hello", name="mallory")
        await socket.until("live")
        await socket.send(client_frame(b'{"type":"no such","id":"before"}') + broken)
        events, closed = await socket.to_the_end()
        assert closed == code
        assert [event["re"] for event in events if event["type"] == "error"] == ["before"]
        # The other side has not closed yet.
        assert server.services.metrics.closes == {code: 1}
        assert not server.services.presence.people()
        assert len(server.server.context.keepalive) == 0
        assert [record.name for record in caplog.records].count("chatserver.sessions.connection") == 1
