"""A private room that a user is not in answers as a room that doesn't exist, to the byte, wherever it is named."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
from tornado.websocket import websocket_connect

SECRET, NOWHERE = "secret-tea", "absent-tea"
"""Names of one length."""

ROOMS = {"rooms": [{"name": "general"}, {"name": SECRET, "kind": "private"}]}
PLUGINS = ["basics", "moderation", "history", "files"]

ASKED = [
    {"type": "join"},
    {"type": "join", "after": 0},
    {"type": "leave"},
    {"type": "message", "content": "hi"},
    {"type": "message", "content": "hi", "nonce": "n"},
    {"type": "message", "content": "hi", "reply_to": "m1"},
    {"type": "message", "content": "", "files": ["0" * 32]},
    {"type": "message", "content": "/topic x"},
    {"type": "message", "content": "/who"},
    {"type": "message", "content": "/nonsense"},
    {"type": "sync", "after": 0},
    {"type": "members"},
    {"type": "members", "after": "x"},
    {"type": "typing", "on": True},
    {"type": "read", "seq": 0},
    {"type": "read", "seq": 99},
    {"type": "history"},
    {"type": "history", "around": 1},
    {"type": "history", "before": 1, "limit": 1},
    {"type": "history", "after": 99},
]

COMMANDS = [
    "/join {}", "/join #{}", "/leave {}", "/who {}", "/who #{}", "/invite alice {}", "/kick alice {}", "/msg {} x"
]  # fmt: skip

HTTP = [
    ("GET", "/api/v1/rooms/{}", None),
    ("PATCH", "/api/v1/rooms/{}", {"topic": "x"}),
    ("PATCH", "/api/v1/rooms/{}", {"title": "x"}),
    ("PATCH", "/api/v1/rooms/{}", {"archived": True}),
    ("PATCH", "/api/v1/rooms/{}", {}),
    ("GET", "/api/v1/rooms/{}/members", None),
    ("GET", "/api/v1/rooms/{}/members?after=x", None),
    ("POST", "/api/v1/rooms/{}/members", {"user": "owner"}),
    ("POST", "/api/v1/rooms/{}/members", {"user": "me"}),
    ("DELETE", "/api/v1/rooms/{}/members/owner", None),
    ("DELETE", "/api/v1/rooms/{}/members/me", None),
    ("GET", "/api/v1/rooms/{}/messages", None),
    ("GET", "/api/v1/rooms/{}/messages?around=1", None),
    ("GET", "/api/v1/rooms/{}/messages?before=1&after=1", None),
    ("POST", "/api/v1/rooms/{}/messages", {"content": "hi"}),
    ("POST", "/api/v1/rooms/{}/messages", {"content": "/topic x"}),
    ("POST", "/api/v1/rooms/{}/messages", {"content": "/join #general"}),
    ("POST", "/api/v1/rooms/{}/messages", {"content": "", "files": ["0" * 32]}),
    ("POST", "/plugins/files/upload?room={}", "some text"),
    ("POST", "/plugins/files/upload?to={}", "some text"),
]


class Caller:
    """A user whose replies and answers are looked at as they come."""

    def __init__(self, server, token, socket, hidden, missing):
        self.hidden = hidden
        self.missing = missing
        self._server = server
        self._token = token
        self._socket = socket

    async def ask(self, request):
        """The reply to a wire request, as text."""
        await self._socket.write_message(json.dumps({"id": "1", **request}))
        return await self.reply("ok", "error")

    async def reply(self, *types):
        """The next frame of these types, as text."""
        while True:
            frame = await asyncio.wait_for(self._socket.read_message(), 5)
            assert frame is not None
            if json.loads(frame)["type"] in types:
                return frame

    async def http(self, method, path, body):
        """Status, headers but Date, and the body of an answer."""
        if isinstance(body, str):
            answer = await self._server.http(method, path, token=self._token, body=body.encode())
        else:
            answer = await self._server.http(method, path, body, token=self._token)
        headers = [(name, value) for name, value in answer.headers.get_all() if name != "Date"]
        return answer.code, sorted(headers), answer.body


@asynccontextmanager
async def calling(chat, kind):
    """A `Caller` to a server with a room that is ``hidden``, and one that is ``missing``.

    ``kind`` is what the caller is, or was, to the private room; for ``direct`` it is one of two others.
    """
    async with chat(plugins=PLUGINS, settings=ROOMS) as server:
        owner = await server.account("owner", "admin")
        await owner.join(SECRET)
        await owner.says("for members only")
        role = kind if kind == "moderator" else "member"
        me = await (server.client("me") if kind == "guest" else server.account("me", role))
        if kind in ("removed", "banned"):
            await owner.says("/invite me")
            await me.hears("rooms")
            await owner.says("/kick me" if kind == "removed" else "/ban me")
            await me.hears("kicked")
        elif kind == "banned before":
            await owner.says("/ban me")
        hidden, missing = SECRET, NOWHERE
        if kind == "direct":
            other = await server.account("other")
            hidden = (await owner.says("for you only", to=other.id)).room
            missing = hidden[:-1] + ("0" if hidden[-1] != "0" else "1")
        socket = await websocket_connect(f"ws://127.0.0.1:{server.server.port}/ws")
        try:
            caller = Caller(server, me.token, socket, hidden, missing)
            await socket.write_message(json.dumps({"type": "hello", "token": me.token}))
            await caller.reply("live")
            yield caller
        finally:
            socket.close()


KINDS = ["guest", "member", "moderator", "removed", "banned", "banned before", "direct"]


@pytest.mark.parametrize("kind", KINDS)
async def test_over_websocket(chat, kind):
    async with calling(chat, kind) as caller:
        names = caller.hidden, caller.missing
        in_room = [[{**request, "room": name} for name in names] for request in ASKED]
        by_command = [
            [{"type": "message", "room": "general", "content": line.format(name)} for name in names]
            for line in COMMANDS
        ]
        for hidden, missing in [*in_room, *by_command]:
            reply = await caller.ask(hidden)
            assert json.loads(reply)["type"] == "error", hidden
            assert reply.replace(*names) == await caller.ask(missing), hidden


@pytest.mark.parametrize("kind", KINDS)
async def test_over_http(chat, kind):
    async with calling(chat, kind) as caller:
        for method, path, body in HTTP:
            hidden, missing = (path.format(quote(name, safe="")) for name in (caller.hidden, caller.missing))
            status, headers, answer = await caller.http(method, hidden, body)
            assert status >= 400, (method, path, body)
            same = status, headers, answer.replace(caller.hidden.encode(), caller.missing.encode())
            assert same == await caller.http(method, missing, body), (method, path, body)


async def test_joining_by_address(chat):
    async with chat(plugins=PLUGINS, settings=ROOMS) as server:
        errors = []
        for name in (SECRET, NOWHERE):
            client = await server.client("me-" + name, path=f"/ws/{name}")
            errors.append(json.dumps(await client.hears("error")))
        assert errors[0].replace(SECRET, NOWHERE) == errors[1]


async def test_resuming_tells_nothing(chat):
    async with chat(plugins=PLUGINS, settings=ROOMS) as server:
        first = await server.client("me")
        cursors = {"epoch": first.welcome.epoch, "rooms": {SECRET: 0, NOWHERE: 0}}
        again = await server.client(token=first.token, resume=cursors)
        assert {event["type"] for event in again.everything} == {"welcome", "live"}
        assert SECRET not in json.dumps(again.everything)
