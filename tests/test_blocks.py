"""Blocking a person: what does not reach the one who blocks, on every way, and that the other is not told."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def refused(work) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code, caught.value.message


UNREACHED = ("forbidden", "This person can't be reached by you.")


async def test_who_is_blocked_reaches_one_by_no_way(chat, on_file):
    plugins = ["basics", "mentions", "threads", "reactions", "history"]
    settings = {**on_file, "limits": {"messages_per_second": 100, "burst": 100}}
    async with chat(plugins=plugins, settings=settings) as server:
        ann, bob, carl = [await server.account(name) for name in ("ann", "bob", "carl")]
        for client in (ann, bob, carl):
            await client.join("general")
        device = await server.client(token=ann.token)
        await carl.ask("message", to="ann", content="hi")
        said = await bob.says("before", to="ann")
        await bob.ask("message", room="general", content="/msg ann still")
        await ann.ask("block", user="bob")
        for own in (ann, device):
            event = await own.hears("blocked")
            assert (event.user["id"], event.on) == (bob.id, True)
        # Directly: a message, an edit, a reaction, a command; and not by the one who blocks either.
        assert await refused(bob.says("psst", to="ann")) == UNREACHED
        assert await refused(bob.says("psst", said.room)) == UNREACHED
        assert await refused(bob.ask("edit", message_id=said.message_id, content="psst")) == UNREACHED
        assert await refused(bob.ask("react", message_id=said.message_id, emoji="🎉")) == UNREACHED
        assert await refused(bob.says("/msg ann psst", "general")) == UNREACHED
        assert (await refused(ann.says("psst", to="bob"))) == ("forbidden", "You have blocked this person.")
        await bob.ask("typing", room=said.room, on=True)
        # Their own words they may take back.
        await bob.ask("delete", message_id=said.message_id)
        # An invitation.
        await bob.ask("message", room="general", content="hello")
        _, tea = await server.api("POST", "rooms", {"name": "tea", "kind": "private"}, token=bob.token)
        assert tea.room["name"] == "tea"
        assert await refused(bob.says("/invite ann tea", "general")) == UNREACHED
        status, answer = await server.api("POST", "rooms/tea/members", {"user": "ann"}, token=bob.token)
        assert (status, answer.error["message"]) == (403, UNREACHED[1])
        # A mention, by an edit, too; others are mentioned.
        await ann.heard("mention")
        talk = await bob.says("@ann @carl come")
        await bob.ask("edit", message_id=talk.message_id, content="@ann @carl come!")
        assert (await carl.hears("mention")).user["id"] == bob.id
        # A reply in a thread that one follows.
        mine = await ann.says("who knows?")
        await bob.says("I do", reply_to=mine.message_id)
        await carl.says("me too", reply_to=mine.message_id)
        assert (await ann.hears("threads:replied")).message_id
        for type in ("mention", "typing", "threads:replied"):
            assert not await ann.heard(type), type
        (general,) = [room for room in (await ann.ask("rooms")).rooms if room["name"] == "general"]
        assert general["mentions"] == 0
        # What is said in a room comes: the client folds it away.
        assert [
            e["content"] for e in await ann.heard() if e["user"]["id"] == bob.id and e["room"] == "general"
        ]
        # The other one is told nothing.
        await bob.ask("ping")
        assert not await bob.heard("blocked")
        assert bob.welcome.blocked == []
        # Kept, and lifted.
        await server.restart()
        ann, bob = await server.client(token=ann.token), await server.client(token=bob.token)
        assert ann.welcome.blocked == [bob.id]
        assert [user["name"] for user in (await ann.ask("blocked")).users] == ["bob"]
        assert await refused(bob.says("psst", to="ann")) == UNREACHED
        status, listed = await server.api("GET", "blocked", token=ann.token)
        assert [user["name"] for user in listed.users] == ["bob"]
        assert (await server.api("DELETE", "blocked/bob", token=ann.token))[0] == 200
        assert (await ann.hears("blocked")).on is False
        await bob.says("psst", to="ann")


async def test_what_can_not_be_blocked(chat):
    async with chat(plugins=["basics"]) as server:
        ann, bob = await server.account("ann"), await server.client("bob")
        assert (await refused(ann.ask("block", user="ann")))[0] == "invalid"
        assert (await refused(ann.ask("block", user="nobody")))[0] == "not_found"
        assert (await refused(ann.ask("block", user=7)))[0] == "invalid"
        assert (await server.api("PUT", "blocked/nobody", token=ann.token))[0] == 404
        form = {"name": "bot", "scopes": ["messages.read", "message.post"]}
        _, made = await server.api("POST", "tokens", form, token=ann.token)
        program = await server.client(token=made.token)
        assert (await refused(program.ask("block", user="bob")))[0] == "forbidden"
        # A first message, where there is no room yet; guests block, too.
        await bob.ask("block", user="ann")
        assert await refused(ann.says("hello", to="bob")) == UNREACHED
        await ann.join("general")
        for command, said in (
            ("/block bob", "You hear nothing of bob any more. /unblock bob takes it back."),
            ("/blocked", "bob"), ("/unblock bob", "You hear of bob again."), ("/blocked", "You have blocked no one."),
        ):  # fmt: skip
            await ann.says(command)
            assert (await ann.hears("notice")).text == said
