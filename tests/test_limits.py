"""How much one user may do: each limit on its own, over both ways in, and none at the cost of others."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

# So slow that nothing comes back while a test runs.
SLOW = {"limits": {"messages_per_second": 0.001, "burst": 2}}


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


def assert_slow(error: dict) -> None:
    assert error["code"] == "rate_limited"
    assert error["retry_after"] > 10


async def test_requests_over_the_socket_are_limited_to_ten_times_the_messages(chat):
    async with chat(settings=SLOW, plugins=["history"]) as server:
        bob = await server.client("bob")
        alice = await server.client("alice")
        asked = ({"type": "ping"}, {"type": "rooms"}, {"type": "members", "room": "general"}, {"type": "stats"},
                 {"type": "sync", "room": "general", "after": 0}, {"type": "history", "room": "general"})  # fmt: skip
        for n in range(20):
            await alice.ask(**asked[n % len(asked)])
        for request in asked:
            assert_slow((await refused(alice.ask(**request))).error)
        # Joining and messages are counted apart, and each user is.
        await alice.join("general")
        await alice.says("still")
        assert await bob.ask("ping")
        # A second window is not a second user.
        other = await server.client(token=alice.token)
        assert_slow((await refused(other.ask("ping"))).error)


async def test_messages_commands_and_edits_are_one_limit_over_both_ways(chat):
    async with chat(settings=SLOW, plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("one")
        await alice.says("/rooms")
        for work in (
            alice.says("two"), alice.says("/rooms"), alice.says("psst", to="bob"),
            alice.ask("edit", message_id=sent.message_id, content="x"),
        ):  # fmt: skip
            assert_slow((await refused(work)).error)
        for method, path, body in (
            ("POST", "rooms/general/messages", {"content": "x"}),
            ("POST", "rooms/general/messages", {"content": "/rooms"}),
            ("PATCH", f"messages/{sent.message_id}", {"content": "x"}),
        ):
            status, answer = await server.api(method, path, body, token=alice.token)
            assert status == 429, path
            assert_slow(answer.error)
        # To take back what one said is never too much.
        await alice.ask("delete", message_id=sent.message_id)
        await bob.says("me too")
        assert [e.content for e in await bob.heard()] == ["one", "me too"]


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_what_others_notice_is_limited_over_both_ways_together(chat, way):
    rooms = [{"name": name} for name in ("a", "b", "c")]
    async with chat(settings={**SLOW, "rooms": rooms}) as server:
        olga = await server.account("olga")
        if way == "socket":
            await olga.ask("join", room="a")
            await olga.ask("leave", room="a")
        else:
            for method, path, body in (
                ("POST", "rooms/a/members", {"user": "olga"}), ("DELETE", f"rooms/a/members/{olga.id}", None),
            ):  # fmt: skip
                status, _ = await server.api(method, path, body, token=olga.token)
                assert status < 300
        for work in (olga.ask("join", room="b"), olga.ask("leave", room="b")):
            assert_slow((await refused(work)).error)
        for method, path, body in (
            ("POST", "rooms", {"name": "mine"}), ("PATCH", "rooms/b", {"topic": "x"}),
            ("POST", "rooms/b/members", {"user": "olga"}), ("DELETE", f"rooms/b/members/{olga.id}", None),
        ):  # fmt: skip
            answer = await server.http(method, f"/api/v1/{path}", body, token=olga.token)
            assert answer.code == 429, path
            assert int(answer.headers["Retry-After"]) > 10
        # Reading goes on.
        assert (await server.api("GET", "rooms/b", token=olga.token))[0] == 200
        assert await olga.ask("ping")
        assert (await server.api("POST", "rooms/b/messages", {"content": "x"}, token=olga.token))[0] == 201


async def test_new_guests_are_limited_by_address_over_both_ways_together(chat):
    async with chat(settings={"limits": {"connections_per_ip": 3}}) as server:
        await server.client("one")
        for name in ("two", "three"):
            assert (await server.api("POST", "guest", {"name": name}))[0] == 200
        status, answer = await server.api("POST", "guest", {"name": "four"})
        assert status == 429
        assert_slow(answer.error)
        assert_slow((await refused(server.client("four"))).error)


async def test_changes_of_name_and_state_are_one_limit(chat):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        allowed = 0
        try:
            while allowed < 30:
                await alice.ask("presence", status=("away", "busy")[allowed % 2])
                allowed += 1
        except Refused as caught:
            code = caught.code
        assert (code, 5 <= allowed < 30) == ("rate_limited", True)
        assert (await refused(alice.says("/nick other"))).code == "rate_limited"
