"""What plugins keep with a message: set with it, changed by their events, and seen by each reader as it is now."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from chatserver.chat.plugin_api import PluginChat
from chatserver.testing import Refused

PLUGIN = '''
from dataclasses import dataclass

from chatserver import Draft, Plugin, Reject, RequestSpec, command, hookimpl


@dataclass(frozen=True)
class Like:
    message_id: str
    on: bool = True
    how: str = ""


class Likes(Plugin):
    """A counter at each message."""

    migrations = ("CREATE TABLE likes_click (message_id TEXT NOT NULL, user_id TEXT NOT NULL)",)

    @hookimpl
    def register_requests(self):
        return [RequestSpec("like", Like, self.like)]

    @hookimpl
    def register_events(self):
        return ["liked"]

    @hookimpl
    def before_post(self, draft: Draft):
        if draft.content.startswith("draft "):
            return draft.with_extra({"by": ["author"]})

    @hookimpl
    def before_edit(self, message, draft: Draft):
        if draft.content == "unlike":
            return draft.with_extra(None)
        if draft.content == "slow":
            return self.slowly(draft)

    async def slowly(self, draft):
        await self.like_it(draft.user, draft.edits, on=True)
        return draft

    @command()
    async def liked(self, ctx, *, text: str):
        """Post a message that has an extra."""
        message = await self.chat.post(ctx.room, text, user=ctx.user, extra={"by": [ctx.user.name]})
        assert message.extras == {"likes": {"by": [ctx.user.name]}}

    async def like(self, ctx, fields):
        done = await self.like_it(ctx.user, fields.message_id, on=fields.on, how=fields.how)
        return {"seq": done.seq, "count": len(done.message.extras.get("likes", {}).get("by", []))}

    async def like_it(self, user, message_id, *, on, how=""):
        def click(tx):
            tx.execute("INSERT INTO likes_click VALUES (:m, :u)", m=message_id, u=user.id)
            message = tx.message(message_id)
            by = [] if message is None else message.extras.get("likes", {}).get("by", [])
            if how == "crash":
                raise RuntimeError("oops")
            if how == "exit":
                raise SystemExit(3)
            if how == "sql":
                tx.execute("INSERT INTO nosuch VALUES (1)")
            if (user.name in by) == on:
                raise Reject("No change.", "invalid", field="on")
            by = [*by, user.name] if on else [each for each in by if each != user.name]
            extra = {"by": by} if by else None
            if how == "long":
                extra = {"by": ["x" * 17000]}
            if how == "set":
                extra = {"by": {1, 2}, "more": object()}
            tx.annotate(message_id, extra)
            if how == "two":
                tx.annotate("m1z2", extra)

        return await self.chat.append("general", "liked", {"on": on}, user=user, also=click)
'''

OTHER = """
from chatserver import Draft, Plugin, hookimpl


class Other(Plugin):
    @hookimpl
    def before_post(self, draft: Draft):
        if draft.content.startswith("draft "):
            return draft.with_extra({"a": 1})

    @hookimpl
    def before_edit(self, message, draft: Draft):
        if draft.content == "slow":
            return draft.with_extra({"edited": True})
"""


DEEP = msgspec.Raw(b"[" * 100 + b"]" * 100)


@pytest.fixture
def server(chat, on_file, tmp_path):
    (tmp_path / "likes.py").write_text(PLUGIN)
    (tmp_path / "other.py").write_text(OTHER)
    settings = {**on_file, "rooms": [{"name": "general"}, {"name": "other"}]}
    return chat(plugins=["likes", "other", "history"], settings=settings, dirs=[tmp_path])


async def stored(server, client) -> list[dict]:
    """The log as all ways of reading it show it, which is the same."""
    events = (await client.ask("sync", room="general", after=1))["events"]
    _, *paged = (await client.ask("history", room="general", limit=100))["events"]
    assert paged == [event for event in events if event["type"] in ("message", "member", "room")]
    _, page = await server.api("GET", "rooms/general/messages?limit=100", token=client.token)
    assert page.events[1:] == paged
    epoch = client.welcome["epoch"]
    tab = await server.client(token=client.token, resume={"epoch": epoch, "rooms": {"general": 1}})
    resumed = [event for event in tab.everything if event.get("room") == "general"]
    await tab.leave()
    assert resumed == events
    return events


async def test_an_extra_goes_with_its_message_everywhere(server):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/liked hello")
        await alice.says("draft of two")
        await alice.says("plain")
        expected = [{"likes": {"by": ["alice"]}}, {"likes": {"by": ["author"]}, "other": {"a": 1}}, None]
        assert [event.get("extras") for event in await bob.heard()] == expected
        assert [event.get("extras") for event in await stored(server, bob)] == expected
        await server.restart()
        bob = await server.client(token=bob.token)
        assert [event.get("extras") for event in await stored(server, bob)] == expected


async def test_everyone_gets_a_new_extra_with_the_event_and_later_readers_that_of_now(server):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        reply = await bob.ask("likes:like", message_id=sent.message_id)
        for client in (alice, bob):
            event = await client.hears("likes:liked")
            assert dict(event) == {
                "type": "likes:liked", "room": "general", "seq": reply.seq, "ts": event.ts, "user": event.user,
                "message_id": sent.message_id, "extras": {"likes": {"by": ["bob"]}}, "on": True,
            }  # fmt: skip
            assert event.user["name"] == "bob"
        await alice.ask("likes:like", message_id=sent.message_id)
        message, first, second = await stored(server, alice)
        assert message["extras"] == {"likes": {"by": ["bob", "alice"]}}
        assert first["extras"] == second["extras"] == message["extras"]
        for client in (alice, bob):
            await client.ask("likes:like", message_id=sent.message_id, on=False)
        last = (await alice.heard("likes:liked"))[-1]
        assert last["extras"] == {"likes": None}
        assert "extras" not in (await stored(server, alice))[0]


async def test_of_clicks_at_the_same_time_none_is_lost(server):
    async with server:
        clients = await server.join("general", *(f"user{n}" for n in range(8)))
        sent = await clients[0].says("hello")
        like = {"message_id": sent.message_id}
        counts = await asyncio.gather(*(client.ask("likes:like", **like) for client in clients))
        assert sorted(reply.count for reply in counts) == list(range(1, 9))
        told = await clients[0].heard("likes:liked")
        assert [len(event["extras"]["likes"]["by"]) for event in told] == list(range(1, 9))
        tab = await server.client(token=clients[0].token)
        outcomes = await asyncio.gather(
            *(client.ask("likes:like", on=False, **like) for client in (clients[0], tab) for _ in range(5)),
            return_exceptions=True,
        )
        refused = [each.code for each in outcomes if isinstance(each, Refused)]
        assert refused == ["invalid"] * 9
        (message, *_) = await stored(server, clients[1])
        assert len(message["extras"]["likes"]["by"]) == 7


async def clicks(server) -> int:
    ((row),) = await server.server.services.store.read(
        lambda conn: conn.exec_driver_sql("SELECT count(*) FROM likes_click").all()
    )
    return row[0]


async def test_a_refusal_within_the_transaction_takes_no_seq_and_writes_nothing(server):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.ask("join", room="other")
        elsewhere = await bob.says("elsewhere", "other")
        gone = await alice.says("gone")
        await alice.ask("delete", message_id=gone.message_id)
        for message_id in ("m1z999", "nosuch", elsewhere.message_id, gone.message_id):
            with pytest.raises(Refused) as refused:
                await bob.ask("likes:like", message_id=message_id)
            assert (refused.value.code, refused.value.field) == ("not_found", "message_id")
        assert await clicks(server) == 0
        assert [event["type"] for event in await stored(server, bob)] == ["message", "deleted"]


@pytest.mark.parametrize("how", ["crash", "exit", "sql", "long", "set", "two"])
async def test_a_plugins_mistake_in_the_transaction_is_its_own(server, how):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        first, second = await alice.says("first"), await alice.says("second")
        del first
        attempts = [
            bob.ask("likes:like", message_id=second.message_id, how=how),
            *(alice.says(f"{n}") for n in range(5)),
            alice.ask("likes:like", message_id=second.message_id),
        ]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        assert [getattr(each, "code", "ok") for each in outcomes] == ["plugin_failed"] + ["ok"] * 6
        assert await clicks(server) == 1
        assert [failure.plugin for failure in server.failures()] == ["likes"]
        assert [event["seq"] for event in await stored(server, bob)] == list(range(2, 10))


async def test_a_deleted_message_loses_its_extras(server):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        await bob.ask("likes:like", message_id=sent.message_id)
        await alice.ask("delete", message_id=sent.message_id)
        message, liked, deleted = await stored(server, bob)
        assert (message["deleted"], "extras" in message, "extras" in deleted) == (True, False, False)
        assert liked["extras"] == {"likes": None}


async def test_an_edit_keeps_extras_and_a_hook_may_change_them(server):
    async with server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("draft x")
        await alice.ask("edit", message_id=sent.message_id, content="edited")
        assert (await bob.hears("edited"))["extras"] == {"likes": {"by": ["author"]}, "other": {"a": 1}}
        # The like comes while the edit is still asked about: neither undoes the other.
        await alice.ask("edit", message_id=sent.message_id, content="slow")
        now = {"likes": {"by": ["author", "alice"]}, "other": {"edited": True}}
        assert (await bob.hears("edited"))["extras"] == now
        await alice.ask("edit", message_id=sent.message_id, content="unlike")
        assert (await bob.hears("edited"))["extras"] == {"other": {"edited": True}}
        assert (await stored(server, bob))[0]["extras"] == {"other": {"edited": True}}


STRICT = """
from chatserver import Plugin, hookimpl


class Strict(Plugin):
    on_error = "reject"

    @hookimpl(events=("likes:liked",))
    def in_commit(self, tx, events):
        raise RuntimeError("not these")
"""


async def test_another_plugins_mistake_in_the_same_transaction_is_not_its_own(chat, tmp_path):
    (tmp_path / "likes.py").write_text(PLUGIN)
    (tmp_path / "strict.py").write_text(STRICT)
    async with chat(plugins=["likes", "strict"], dirs=[tmp_path]) as server:
        (alice,) = await server.join("general", "alice")
        sent = await alice.says("hello")
        with pytest.raises(Refused) as refused:
            await alice.ask("likes:like", message_id=sent.message_id)
        assert (refused.value.code, refused.value.error["plugin"]) == ("plugin_failed", "strict")
        assert {failure.plugin for failure in server.failures()} == {"strict"}
        assert await clicks(server) == 0


BEFORE = """
from chatserver import Plugin, hookimpl


class Before(Plugin):
    migrations = ("CREATE TABLE before_text (type TEXT, content TEXT)",)

    @hookimpl
    def in_commit(self, tx, events):
        for event in events:
            content = event.before.content if event.before else None
            tx.execute("INSERT INTO before_text VALUES (:type, :content)", type=event.type, content=content)

    @hookimpl
    def after_event(self, event):
        assert event.before is None
"""


async def test_in_commit_gets_what_an_edit_or_a_deletion_replaces(chat, tmp_path):
    (tmp_path / "before.py").write_text(BEFORE)
    async with chat(plugins=["before"], dirs=[tmp_path]) as server:
        (alice,) = await server.join("general", "alice")
        sent = await alice.says("one")
        await alice.ask("edit", message_id=sent.message_id, content="two")
        await alice.ask("delete", message_id=sent.message_id)
        rows = await server.server.services.store.read(
            lambda conn: conn.exec_driver_sql("SELECT type, content FROM before_text").all()
        )
        assert [tuple(row) for row in rows if row[0] not in ("room", "member")] == [
            ("message", None),
            ("edited", "one"),
            ("deleted", "two"),
        ]


@pytest.mark.parametrize("field", ["type", "room", "seq", "ts", "user", "message_id", "extras", "actions"])
async def test_an_event_has_its_own_fields(server, field):
    async with server:
        await server.join("general", "alice")
        chat = PluginChat("likes", server.server.services, None)
        with pytest.raises(ValueError, match=field):
            await chat.append("general", "liked", {field: 1, "on": True}, user=await chat.user("alice"))


async def test_the_data_of_an_event_is_not_nested_too_deep(server):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = PluginChat("likes", server.server.services, None)
        with pytest.raises(ValueError, match="100 levels"):
            await chat.append("general", "liked", {"on": DEEP}, user=await chat.user("alice"))
        with pytest.raises(ValueError, match="100 levels"):
            chat.publish("general", "liked", {"on": DEEP})
        assert not await alice.heard()


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ([1], TypeError),
        ({"a": object()}, TypeError),
        ({"a": "x" * 17000}, ValueError),
        ({"a": DEEP}, ValueError),
    ],
)
async def test_a_wrong_extra_of_a_post_is_told_to_the_plugin(server, extra, error):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = PluginChat("likes", server.server.services, None)
        with pytest.raises(error):
            await chat.post("general", "hello", user=await chat.user("alice"), extra=extra)
        assert not await alice.heard()
