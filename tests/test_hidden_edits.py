"""A message from before a member's joining stays hidden from them when it is edited, live and in the log."""

from __future__ import annotations

import asyncio

import pytest

JOINED = {"rooms": [{"name": "general", "history": "joined"}]}
ALL = {"rooms": [{"name": "general", "history": "all"}]}


def texts(events) -> list[tuple]:
    """What each edit shows."""
    return [
        (e["message_id"], e.get("rev"), e.get("content"), e.get("html"))
        for e in events
        if e["type"] == "edited"
    ]


# Without the plugin history no role has the permission to read what was said before.
@pytest.mark.parametrize(("settings", "plugins"), [(JOINED, ["history"]), (JOINED, []), (ALL, [])])
async def test_an_edit_comes_without_text_to_those_who_joined_after_the_message(chat, settings, plugins):
    async with chat(settings=settings, plugins=plugins) as server:
        (alice,) = await server.join("general", "alice")
        old = await alice.says("before")
        (bob,) = await server.join("general", "bob")
        tab = await server.client(token=alice.token)
        new = await alice.says("after")
        await alice.ask("edit", message_id=old.message_id, content="secret")
        await alice.ask("edit", message_id=new.message_id, content="open")
        hidden, shown = (old.message_id, None, None, None), (new.message_id, 2, "open", "open")
        full = (old.message_id, 2, "secret", "secret")
        assert texts([await bob.hears("edited"), await bob.hears("edited")]) == [hidden, shown]
        for client in (alice, tab):
            assert texts([await client.hears("edited"), await client.hears("edited")]) == [full, shown]
        assert texts((await bob.ask("sync", room="general", after=0)).events) == [hidden, shown]
        assert texts((await bob.ask("join", room="general", after=1)).events) == [hidden, shown]
        assert texts((await alice.ask("sync", room="general", after=0)).events) == [full, shown]
        # Nothing of it comes another way.
        _, page = await server.api("GET", "rooms/general/messages?limit=200", token=bob.token)
        assert [e["content"] for e in page["events"] if e["type"] == "message"] == ["open"]
        assert "secret" not in str(bob.everything) + str(page)


async def test_a_resume_shows_no_more(chat):
    async with chat(settings=JOINED) as server:
        (alice,) = await server.join("general", "alice")
        old = await alice.says("before")
        (bob,) = await server.join("general", "bob")
        await alice.says("after")
        await bob.hears()
        seen, epoch = dict(bob.seen), bob.welcome.epoch
        await bob.leave()
        await alice.ask("edit", message_id=old.message_id, content="secret")
        bob = await server.client(token=bob.token, resume={"epoch": epoch, "rooms": seen})
        assert texts(bob.everything) == [(old.message_id, None, None, None)]
        back = await server.client(token=alice.token, resume={"epoch": epoch, "rooms": seen})
        assert texts(back.everything) == [(old.message_id, 2, "secret", "secret")]


async def test_all_see_the_edit_where_the_past_is_open(chat):
    async with chat(settings=ALL, plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        old = await alice.says("before")
        (bob,) = await server.join("general", "bob")
        await alice.ask("edit", message_id=old.message_id, content="open")
        assert texts([await bob.hears("edited")]) == [(old.message_id, 2, "open", "open")]


async def test_an_author_who_came_back_sees_their_own_edit(chat):
    async with chat(settings=JOINED) as server:
        alice, bob = await server.join("general", "alice", "bob")
        old = await alice.says("before")
        await alice.ask("leave", room="general")
        await alice.join("general")
        await alice.ask("edit", message_id=old.message_id, content="mine")
        for client in (alice, bob):
            assert (await client.hears("edited")).content == "mine"
        assert texts((await alice.ask("sync", room="general", after=0)).events) == [
            (old.message_id, 2, "mine", "mine")
        ]


async def test_the_order_stays_though_many_are_under_way(chat):
    async with chat(settings=JOINED) as server:
        (alice,) = await server.join("general", "alice")
        old = await alice.says("before")
        (bob,) = await server.join("general", "bob")
        cleo = await server.client("cleo", path="/ws/general")
        works = []
        for n in range(8):
            works.append(alice.says(f"{n}"))
            works.append(cleo.says(f"{n}", room="general"))
            works.append(alice.ask("edit", message_id=old.message_id, content=f"secret {n}"))
        await asyncio.gather(*works)
        for client in (alice, bob, cleo):
            await client.heard()
            seqs = [
                e["seq"]
                for e in client.everything
                if "seq" in e and "user" in e and e.get("room") == "general"
            ]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert sum(e["type"] == "edited" for e in client.everything) == 8
        assert "secret" not in str(bob.everything) + str(cleo.everything)


QUIET = """
from chatserver import Plugin, hookimpl


class Quiet(Plugin):
    @hookimpl
    def may(self, user, permission):
        return permission != "history.read" or user.name != "bob"
"""


async def test_a_plugins_word_on_the_past_counts_for_edits(chat, tmp_path):
    (tmp_path / "quiet.py").write_text(QUIET)
    async with chat(settings=ALL, plugins=["history", "quiet"], dirs=[tmp_path]) as server:
        (alice,) = await server.join("general", "alice")
        old = await alice.says("before")
        bob, cleo = await server.join("general", "bob", "cleo")
        edit = await alice.ask("edit", message_id=old.message_id, content="secret")
        await bob.hears("edited")
        # A plugin can't be asked for each listener: who may see it finds it in the log.
        assert (await cleo.hears("edited")).seq == edit.seq
        assert texts((await cleo.ask("sync", room="general", after=edit.seq - 1)).events)[0][2] == "secret"
        assert texts((await bob.ask("sync", room="general", after=0)).events)[0][2] is None
        assert "secret" not in str(bob.everything)


async def test_an_edit_mentions_no_member_to_whom_the_message_is_hidden(chat):
    async with chat(settings=JOINED) as server:
        alice, cleo = await server.join("general", "alice", "cleo")
        old = await alice.says("before")
        (bob,) = await server.join("general", "bob")
        await alice.ask("edit", message_id=old.message_id, content="@bob and @cleo")
        assert (await cleo.hears("mention")).message_id == old.message_id
        assert not await bob.heard("mention")
        (room,) = (await bob.ask("rooms")).rooms
        assert (room["unread"], room["mentions"]) == (0, 0)
