"""The HTTP interface: the same rules, permissions and codes as over the WebSocket."""

from __future__ import annotations

import json

import pytest

from chatserver.web.security import HEADERS


async def test_each_endpoint_needs_a_sign_in_but_these(chat):
    async with chat() as server:
        for method, path, body in (
            ("GET", "me", None), ("GET", "rooms", None), ("POST", "rooms", {"name": "x"}),
            ("GET", "rooms/general", None), ("PATCH", "rooms/general", {}),
            ("GET", "rooms/general/members", None), ("POST", "rooms/general/members", {"user": "x"}),
            ("DELETE", "rooms/general/members/x", None), ("GET", "rooms/general/messages", None),
            ("POST", "rooms/general/messages", {"content": "x"}), ("PATCH", "messages/m1", {"content": "x"}),
            ("DELETE", "messages/m1", None), ("POST", "logout", None),
        ):  # fmt: skip
            for token in (None, "wrong"):
                status, answer = await server.api(method, path, body, token=token)
                assert (status, answer.error["code"]) == (401, "unauthorized"), (method, path)
        for path in ("/api/v1/server", "/api/v1/stats", "/healthz", "/readyz", "/"):
            assert (await server.http("GET", path)).code == 200


async def test_rooms_and_members(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        status, answer = await server.api("GET", "rooms", token=alice.token)
        assert (status, answer.rooms) == (200, (await alice.ask("rooms")).rooms)
        status, answer = await server.api("GET", "rooms/general", token=alice.token)
        assert (answer.room["name"], answer.room["joined"]) == ("general", True)
        status, answer = await server.api("GET", "rooms/nowhere", token=alice.token)
        assert (status, answer.error["code"], answer.error["field"]) == (404, "not_found", "room")
        status, answer = await server.api("GET", "rooms/general/members", token=alice.token)
        assert (answer.count, answer.more, answer.members[0]["user"]["name"]) == (1, False, "alice")
        assert (await server.api("DELETE", f"rooms/general/members/{alice.id}", token=alice.token))[0] == 200
        assert (await alice.hears("rooms", removed=["general"])).rooms == []
        status, answer = await server.api("DELETE", f"rooms/general/members/{alice.id}", token=alice.token)
        assert (status, answer.error["code"]) == (403, "not_member")


async def test_posting_with_a_key_is_done_once(chat):
    async with chat(plugins=["history"]) as server:
        bob = (await server.join("general", "bob"))[0]
        _, guest = await server.api("POST", "guest", {"name": "robot"})
        path, key = "rooms/general/messages", {"Idempotency-Key": "k1"}

        async def post(content, headers=None, **more):
            return await server.api(
                "POST", path, {"content": content, **more}, token=guest.token, headers=headers
            )

        status, sent = await post("beep", key)
        assert status == 201
        assert set(sent) == {"message_id", "room", "seq", "ts"}
        heard = await bob.hears()
        assert (heard.content, heard.seq, heard.nonce) == ("beep", sent.seq, "k1")
        status, again = await post("beep", key)
        assert (status, again.dup, again.seq) == (200, True, sent.seq)
        status, conflict = await post("boop", key)
        assert (status, conflict.error["code"]) == (409, "nonce_conflict")
        for bad in ("", "x" * 65):
            status, answer = await post("x", {"Idempotency-Key": bad})
            assert (status, answer.error["field"]) == (400, "nonce")
        await post("re", reply_to=sent.message_id)
        assert (await bob.hears()).reply_to == sent.message_id
        status, answer = await post(" ")
        assert (status, answer.error["code"]) == (400, "invalid")
        status, answer = await post("x" * 8001)
        assert (status, answer.error["code"]) == (413, "too_large")
        # It needed no joining, and is not in the room.
        assert [m["user"]["name"] for m in (await bob.ask("members", room="general")).members] == ["bob"]


async def test_editing_and_deleting(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("one")
        path = f"messages/{sent.message_id}"
        status, done = await server.api("PATCH", path, {"content": "two", "rev": 2}, token=alice.token)
        assert (status, done.rev, done.seq) == (200, 2, sent.seq + 1)
        status, done = await server.api("PATCH", path, {"content": "two", "rev": 2}, token=alice.token)
        assert (status, done.dup) == (200, True)
        for rev in (9, 10**30):
            status, answer = await server.api("PATCH", path, {"content": "x", "rev": rev}, token=alice.token)
            assert (status, answer.error["code"]) == (409, "rev_conflict")
        status, answer = await server.api("PATCH", path, {"content": "x"}, token=bob.token)
        assert (status, answer.error["code"]) == (403, "forbidden")
        status, done = await server.api("DELETE", path, token=alice.token)
        assert (status, done.seq) == (200, sent.seq + 2)
        status, answer = await server.api("DELETE", path, token=alice.token)
        assert (status, answer.error["code"]) == (404, "not_found")
        assert (await bob.hears("edited")).content == "two"
        assert (await bob.hears("deleted")).message_id == sent.message_id


async def test_pages_of_messages(chat):
    async with chat(plugins=["history"]) as server:
        alice = (await server.join("general", "alice"))[0]
        sent = [await alice.says(f"{n}") for n in range(5)]

        async def page(query):
            status, answer = await server.api("GET", f"rooms/general/messages?{query}", token=alice.token)
            assert status == 200, answer
            return [e["content"] for e in answer.events if e["type"] == "message"], answer.more

        assert await page("limit=2") == (["3", "4"], True)
        assert await page(f"before={sent[3].seq}&limit=2") == (["1", "2"], True)
        assert await page(f"after={sent[2].seq}") == (["3", "4"], False)
        assert await page(f"around={sent[2].seq}&limit=2") == (["2", "3"], True)
        for bad in ("limit=201", "limit=0", "limit=", "limit=x", "before=-1", "after=9007199254740992",
                    "before=1&after=1", "before=" + "0" * 20 + "9" * 30, "after=%D9%A3"):  # fmt: skip
            status, answer = await server.api("GET", f"rooms/general/messages?{bad}", token=alice.token)
            assert (status, answer.error["code"]) == (400, "invalid"), bad


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"{", "application/json", "bad_request"),
        (b"[]", "application/json", "invalid"),
        (b"\xff", "application/json", "bad_request"),
        (b'{"name":' + b"[" * 50_000, "application/json", "invalid"),
        (b"{}", "application/json", "invalid"),
        (b'{"name":7}', "application/json", "invalid"),
        (b'{"name":"x","more":1}', "application/json", "invalid"),
        (b'{"name":"\\ud800"}', "application/json", "bad_request"),
        (b'{"name":"x"}', "text/plain", "bad_request"),
        (b'{"name":"x"}', "application/x-www-form-urlencoded", "bad_request"),
    ],
)
async def test_bodies_that_are_none(chat, quiet, body, media, code):
    async with chat() as server:
        answer = await server.http("POST", "/api/v1/guest", body=body, headers={"Content-Type": media})
        error = json.loads(answer.body)["error"]
        assert (answer.code, error["code"]) == (400, code)
        assert "frame" not in error["message"].lower()


async def test_a_command_works_by_http_too(chat):
    async with chat(plugins=["moderation"]) as server:
        mod, alice = await server.account("mod", "moderator"), (await server.join("general", "alice"))[0]
        await mod.join("general")
        body = {"content": "/kick alice"}
        status, answer = await server.api("POST", "rooms/general/messages", body, token=mod.token)
        assert (status, answer.notice) == (200, "alice was removed.")
        await alice.hears("kicked")
        status, answer = await server.api("POST", "rooms/general/messages", body, token=alice.token)
        assert (status, answer.error["code"]) == (403, "forbidden")


async def test_too_fast_says_when_to_come_again(chat):
    async with chat(settings={"limits": {"messages_per_second": 0.1, "burst": 1}}) as server:
        alice = (await server.join("general", "alice"))[0]
        path = "/api/v1/rooms/general/messages"
        assert (await server.http("POST", path, {"content": "1"}, token=alice.token)).code == 201
        answer = await server.http("POST", path, {"content": "2"}, token=alice.token)
        assert answer.code == 429
        assert 9 <= int(answer.headers["Retry-After"]) <= 11
        assert json.loads(answer.body)["error"]["code"] == "rate_limited"


async def test_stats_and_health(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        await alice.says("x")
        _, stats = await server.api("GET", "stats")
        assert set(stats) == {
            "users_online", "connections", "rooms", "messages_total", "messages_per_second", "uptime_seconds",
            "server_time", "version",
        }  # fmt: skip
        assert (stats.users_online, stats.connections, stats.rooms, stats.messages_total) == (1, 1, 1, 1)
        reply = await alice.ask("stats")
        assert set(stats) <= set(reply)
        answer = await server.http("GET", "/readyz")
        assert json.loads(answer.body) == {"status": "ok", "problems": {}}


async def test_security_headers_are_on_every_answer(chat, raw):
    async with chat(plugins=["files", "history"]) as server:
        for method, path in (
            ("GET", "/"), ("GET", "/static/js/main.js"), ("GET", "/nothing"), ("GET", "/api/v1/stats"),
            ("GET", "/api/v1/me"), ("GET", "/api/v1/nothing"), ("POST", "/api/v1/guest"), ("PUT", "/api/v1/me"),
            ("GET", "/static/../server.py"), ("GET", "/ws"), ("GET", "/healthz"), ("HEAD", "/"),
            ("GET", "/plugins/nosuch/x"), ("OPTIONS", "/api/v1/rooms"), ("GET", "/static/__init__.py"),
            ("GET", "/api/v1/rooms/%ff"),
        ):  # fmt: skip
            answer = await server.http(method, path)
            for name, value in HEADERS.items():
                assert answer.headers.get(name) == value, (method, path, name)
            assert "Server" not in answer.headers, path
        async with raw(server) as socket:
            head = await socket.upgrade()
            assert "Content-Security-Policy: default-src 'none'" in head
        async with raw(server) as socket:
            head = await socket.upgrade("/ws", "Origin: https://evil.example")
            assert "X-Content-Type-Options: nosniff" in head


async def test_static_files_are_checked_each_time_and_sent_once(chat):
    async with chat() as server:
        first = await server.http("GET", "/")
        assert first.headers["Content-Type"].startswith("text/html")
        assert "no-cache" in first.headers["Cache-Control"]
        again = await server.http("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.code, again.body) == (304, b"")
        for path in ("/static/__init__.py", "/static/../setup.py", "/static/%2e%2e/setup.py", "/static/"):
            assert (await server.http("GET", path)).code in (403, 404), path
