"""A plugin that the settings limit to rooms does nothing in others, whatever it is asked and whatever it tries."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

NEWS = """
import msgspec
from chatserver import Plugin, RequestSpec, User, command, hookimpl

class Told(msgspec.Struct):
    room: str

class News(Plugin):
    migrations = ("CREATE TABLE news_seen (message TEXT)",)

    @hookimpl
    def register_events(self):
        return ["told"]

    @hookimpl
    def register_requests(self):
        return [RequestSpec("tell", Told, self.tell)]

    async def tell(self, ctx, fields):
        await self.chat.append(fields.room, "told", {}, user=ctx.user)

    @command()
    async def trying(self, ctx, what: str, room: str):
        \"\"\"Do something in a room.\"\"\"
        user, other = ctx.user, await self.chat.user("bob")
        match what:
            case "post":
                await self.chat.post(room, "hello", user=user)
            case "direct":
                await self.chat.post_direct(other, "hello", user=user)
            case "append":
                await self.chat.append(room, "told", {}, user=user)
            case "publish":
                self.chat.publish(room, "told", {})
            case "edit" | "delete":
                (*_, event), _ = await self.chat.events(room, user=user)
                work = self.chat.edit(event.message.id, "changed", by=user) if what == "edit" else \\
                    self.chat.delete(event.message.id, by=user)
                await work
            case "topic":
                await self.chat.change_room(room, by=user, topic="x")
            case "leave":
                await self.chat.leave(room, user=other)
            case "create":
                await self.chat.create_room("more", by=user)

    @hookimpl(events=("message", "deleted"))
    def in_commit(self, tx, events):
        for event in events:
            if event.type == "deleted":
                tx.execute("DELETE FROM news_seen WHERE message = :id", id=event.message_id)
            else:
                tx.execute("INSERT INTO news_seen VALUES (:id)", id=event.message_id)

    @command()
    async def seen(self, ctx):
        \"\"\"Tell what was written.\"\"\"
        return " ".join(row["message"] for row in await self.db.query("SELECT message FROM news_seen")) or "-"
"""
TRIES = ["post", "direct", "append", "publish", "edit", "delete", "topic", "leave", "create"]
ROOMS = {"rooms": [{"name": "general"}, {"name": "news"}]}


@pytest.fixture
def dirs(tmp_path):
    (tmp_path / "news.py").write_text(NEWS)
    return [tmp_path]


async def refusal(waiting):
    with pytest.raises(Refused) as caught:
        await waiting
    return caught.value


async def test_it_does_nothing_elsewhere(chat, dirs):
    async with chat(plugins={"news": {"rooms": ["news"]}}, dirs=dirs, settings=ROOMS) as server:
        (bob,) = await server.join("general", "bob")
        alice = await server.account("alice", "admin")
        await alice.join("general")
        await alice.join("news")
        await alice.says("a message", "general")
        for what in TRIES:
            refused = await refusal(alice.says(f"/trying {what} general", "news"))
            assert (refused.code, refused.field, refused.error["plugin"]) == ("forbidden", "room", "news"), (
                what
            )
            assert refused.message == "The plugin 'news' works in these rooms only: news."
        assert (await refusal(alice.ask("news:tell", room="general"))).code == "forbidden"
        assert (await refusal(alice.says("/seen", "general"))).code == "not_found"
        # What it does in its room is as ever.
        for what in TRIES[:1] + TRIES[2:4]:
            await alice.says(f"/trying {what} news", "news")
        await alice.ask("news:tell", room="NEWS")
        assert [event["type"] for event in await alice.heard("news:told")] == ["news:told"] * 3
        assert [event["content"] for event in await bob.heard()] == ["a message"]


async def test_the_browser_is_told_where_it_works(chat, dirs):
    async with chat(plugins={"news": {"rooms": ["news"]}, "emoji": {}}, dirs=dirs, settings=ROOMS) as server:
        alice = await server.client("alice")
        assert alice.welcome.plugins["news"]["rooms"] == ["news"]
        assert "rooms" not in alice.welcome.plugins["emoji"]
        await server.reload({"news": {"rooms": []}})
        bob = await server.client("bob")
        assert bob.welcome.plugins["news"]["rooms"] == []


async def test_rows_of_a_deleted_message_go_also_where_it_works_no_longer(chat, dirs):
    async with chat(plugins={"news": {}}, dirs=dirs, settings=ROOMS) as server:
        (alice,) = await server.join("general", "alice")
        await alice.join("news")
        gone, kept = await alice.says("one", "general"), await alice.says("two", "general")
        await server.reload({"news": {"rooms": ["news"]}})
        await alice.says("three", "general")
        await alice.ask("delete", message_id=gone.message_id)
        await alice.says("/seen", "news")
        assert (await alice.hears("notice")).text == kept.message_id
