"""Tokens of programs: shown once, limited to scopes, ended by their owner or the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatserver.testing import Refused


async def make(server, client, *scopes: str, name: str = "bot", **more):
    form = {"name": name, "scopes": scopes, **more}
    status, made = await server.api("POST", "tokens", form, token=client.token)
    assert status == 201, made
    return made


async def codes(server, token: str, *asked: tuple) -> list[int]:
    return [(await server.api(*each, token=token))[0] for each in asked]


POST = ("POST", "rooms/general/messages", {"content": "hello"})
READ = ("GET", "rooms/general/messages")
CREATE = ("POST", "rooms", {"name": "made"})


async def test_a_token_may_what_its_scopes_name_and_no_more(chat):
    async with chat(plugins=["basics", "history"]) as server:
        ann = await server.account("ann", "admin")
        posts, reads, all_of_it = (
            await make(server, ann, "message.post"),
            await make(server, ann, "messages.read", "history.read"),
            await make(
                server, ann, "messages.read", "history.read", "message.post", "room.create", "room.join"
            ),
        )
        assert await codes(server, posts.token, POST, READ, CREATE) == [201, 403, 403]
        assert await codes(server, reads.token, POST, READ, CREATE) == [403, 200, 403]
        assert await codes(server, all_of_it.token, POST, READ, CREATE) == [201, 200, 201]
        # Who it is for, and that it is good, each may ask.
        assert await codes(server, posts.token, ("GET", "me")) == [200]
        # Not by a command, either.
        command = ("POST", "rooms/general/messages", {"content": "/me waves"})
        assert await codes(server, reads.token, command) == [403]
        # Nor is anything read by one.
        command = ("POST", "rooms/general/messages", {"content": "/history"})
        assert await codes(server, posts.token, command) == [403]
        assert await codes(server, all_of_it.token, command) == [200]
        assert await codes(server, ann.token, POST, READ) == [201, 200]


async def test_a_token_signs_in_over_the_websocket(chat):
    async with chat(plugins=["basics", "history"]) as server:
        ann = await server.account("ann", "moderator")
        (bob,) = await server.join("general", "bob")
        token = await make(server, ann, "messages.read", "message.post", "room.join")
        program = await server.client(token=token.token)
        assert program.id == ann.id
        assert program.welcome.permissions == ["message.post", "room.join"]
        await program.join("general")
        await program.says("hello")
        assert (await bob.hears("message", content="hello")).user["name"] == "ann"
        with pytest.raises(Refused) as caught:
            await program.ask("message", room="general", content="/topic new")
        assert caught.value.code == "forbidden"
        # What the program may not do, its user may, in the same room.
        await ann.join("general")
        await ann.says("/topic new")
        blind = await make(server, ann, "message.post")
        with pytest.raises(Refused) as caught:
            await server.client(token=blind.token)
        assert caught.value.code == "forbidden"


async def test_another_role_or_name_widens_no_token(chat):
    async with chat(plugins=["basics"]) as server:
        ann = await server.account("ann", "member")
        token = await make(server, ann, "messages.read", "message.post", "room.join", "room.change")
        program = await server.client(token=token.token)
        await program.join("general")
        await server.services.accounts.set_role(await server.services.accounts.find("ann"), "admin")
        await server.services.account_changes.apply()
        assert (await server.api("PATCH", "rooms/general", {"title": "New"}, token=token.token))[0] == 200
        assert (await server.api("POST", "rooms", {"name": "made"}, token=token.token))[0] == 403
        await ann.join("general")
        await ann.says("/nick anna")
        with pytest.raises(Refused):
            await program.says("/nick annika")
        assert (await server.api("POST", "rooms", {"name": "made"}, token=token.token))[0] == 403


async def test_a_token_manages_no_account(chat):
    async with chat() as server:
        ann = await server.account("ann", "admin")
        token = await make(server, ann, "messages.read", "server.accounts")
        for asked in (("GET", "sessions"), ("DELETE", "sessions"), ("GET", "tokens"), ("DELETE", f"tokens/{token.id}"),
                      ("POST", "tokens", {"name": "more", "scopes": ["message.post"]}),
                      ("POST", "password", {"old": "correct horse", "new": "another horse"})):  # fmt: skip
            status, answer = await server.api(*asked, token=token.token)
            assert (status, answer.error["code"]) == (403, "forbidden"), asked
        assert await codes(server, token.token, ("GET", "accounts")) == [200]


async def test_tokens_are_listed_without_their_secret_and_ended(chat):
    async with chat() as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        token = await make(server, ann, "messages.read", "message.post", name="my  bot")
        program = await server.client(token=token.token)
        (listed,) = (await server.api("GET", "tokens", token=ann.token))[1].tokens
        assert listed == {
            "id": token.id, "name": "my bot", "scopes": ["message.post", "messages.read"],
            "created": token.created, "used": listed["used"],
        }  # fmt: skip
        assert token.token not in str(listed)
        assert (await server.api("GET", "sessions", token=ann.token))[1].sessions[0]["current"]
        for who, id in ((bob, token.id), (ann, "x"), (ann, token.id[:5])):
            assert await codes(server, who.token, ("DELETE", f"tokens/{id}")) == [404]
        assert await codes(server, ann.token, ("DELETE", f"tokens/{token.id}")) == [200]
        assert await program.closed() == 4003
        noted = [(e["action"], e["detail"]) for e in (await ann.ask("audit", user=ann.id)).entries]
        assert noted[:2] == [
            ("token_ended", "my bot"), ("token_made", "my bot: message.post, messages.read"),
        ]  # fmt: skip
        assert await codes(server, token.token, ("GET", "me"), POST) == [401, 401]
        assert await ann.ask("ping")


async def test_a_token_ends_when_it_was_told_to(chat, clock):
    async with chat(clock=clock) as server:
        ann = await server.account("ann")
        soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        short, endless = (
            await make(server, ann, "messages.read", expires=soon),
            await make(server, ann, "messages.read"),
        )
        assert datetime.fromisoformat(short.expires) - datetime.fromisoformat(soon) < timedelta(seconds=1)
        assert "expires" not in endless
        for clock.days in (1, 2, 2.9):
            assert await codes(server, short.token, ("GET", "me")) == [200]
        program = await server.client(token=short.token)
        clock.days = 3.1
        # The server looks by itself, once a second.
        assert await program.closed() == 4003
        assert await codes(server, short.token, ("GET", "me")) == [401]
        clock.days = 4000
        assert await codes(server, endless.token, ("GET", "me")) == [200]


async def test_a_new_password_keeps_tokens_and_an_admins_ends_them(chat):
    async with chat(accounts={"root": "admin"}) as server:
        root, ann = await server.client("root"), await server.account("ann")
        token = await make(server, ann, "messages.read")
        form = {"old": "correct horse", "new": "another horse"}
        assert await codes(server, ann.token, ("POST", "password", form)) == [200]
        assert await codes(server, token.token, ("GET", "me")) == [200]
        disable = ("PATCH", f"accounts/{ann.id}", {"state": "disabled"})
        assert await codes(server, root.token, disable) == [200]
        assert await codes(server, token.token, ("GET", "me")) == [401]


async def test_what_can_be_no_token(chat):
    async with chat() as server:
        ann, gus = await server.account("ann"), await server.client("gus")
        good = {"name": "bot", "scopes": ["message.post"]}
        assert await codes(server, gus.token, ("POST", "tokens", good)) == [403]
        assert (await server.api("POST", "tokens", good))[0] == 401
        past, naive = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00"
        for bad in ({"name": ""}, {"name": " "}, {"name": "x" * 65}, {"name": 1}, {"scopes": ["message.fly"]},
                    {"scopes": "message.post"}, {"scopes": [1]}, {"scopes": None}, {"expires": past},
                    {"expires": naive}, {"expires": "soon"}, {"expires": 7}, {"more": 1},
                    {"expires": "9999-01-01T00:00:00Z"}):  # fmt: skip
            status, answer = await server.api("POST", "tokens", {**good, **bad}, token=ann.token)
            assert (status, answer.error["code"]) == (400, "invalid"), bad
        assert (await server.api("GET", "tokens", token=ann.token))[1].tokens == []


async def test_a_token_leaves_and_types_only_within_its_scopes(chat):
    async with chat(plugins=["basics"]) as server:
        ann = await server.account("ann")
        await ann.join("general")
        reads, posts, joins = [
            await make(server, ann, "messages.read", *more)
            for more in ((), ("message.post",), ("room.join",))
        ]
        program, writer = await server.client(token=reads.token), await server.client(token=posts.token)
        for request, fields in (("leave", {}), ("typing", {"on": True}), ("read", {"seq": 0})):
            with pytest.raises(Refused) as caught:
                await program.ask(request, room="general", **fields)
            assert caught.value.code == "forbidden", request
        await writer.ask("typing", room="general", on=True)
        await writer.ask("read", room="general", seq=0)
        with pytest.raises(Refused) as caught:
            await writer.ask("message", room="general", content="/leave")
        assert caught.value.code == "forbidden"
        leave = ("DELETE", f"rooms/general/members/{ann.id}")
        assert await codes(server, reads.token, leave) == [403]
        assert await codes(server, joins.token, leave) == [200]
