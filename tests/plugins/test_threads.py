"""Threads: which messages stand in one, who follows it, and what is new in it for whom."""

from __future__ import annotations

import sqlite3

import pytest
from chatserver_plugins.threads.table import COUNTS, MIGRATIONS, ROOT, add, remove
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatserver import Message, User
from chatserver.testing import Refused

pytestmark = pytest.mark.storage

PLUGINS = ["threads", "history"]


async def thread(client, id, room="general"):
    """How a thread stands for a client: replies, what is new, whether it is followed."""
    reply = await client.ask("threads:of", room=room, message_ids=[id])
    return [(each["replies"], each["unread"], each["follows"]) for each in reply.threads]


async def texts(client, id, **fields):
    reply = await client.ask("threads:open", message_id=id, **fields)
    return [each["content"] for each in reply.messages]


async def refused(client, type, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def test_replies_to_replies_stand_in_one_thread(chat):
    async with chat(plugins=PLUGINS) as server:
        alice, bob, carol = await server.join("general", "alice", "bob", "carol")
        root = (await alice.says("Where to?")).message_id
        first = (await bob.says("North.", reply_to=root)).message_id
        assert (await alice.hears("threads:replied")).root_id == root
        second = (await carol.says("Why?", reply_to=first)).message_id
        for each in (alice, bob):
            assert (await each.hears("threads:replied", message_id=second)).root_id == root
        # All of it stands in the room as well.
        assert [each.content for each in await alice.heard()] == ["Where to?", "North.", "Why?"]
        reply = await alice.ask("threads:open", message_id=second)
        assert (reply.root["message_id"], reply.more) == (root, False)
        assert [each["content"] for each in reply.messages] == ["North.", "Why?"]
        assert await thread(alice, root) == [(2, 2, True)]
        assert await thread(bob, root) == [(2, 1, True)]
        of = await alice.ask("threads:of", room="general", message_ids=[second, root])
        assert (of.roots, len(of.threads)) == ({second: root}, 1)
        await carol.ask("delete", message_id=second)
        assert await texts(bob, root) == ["North."]
        assert await thread(bob, root) == [(1, 0, True)]
        await alice.ask("delete", message_id=root)
        reply = await bob.ask("threads:open", message_id=root)
        assert (reply.thread["replies"], reply.root["deleted"]) == (1, True)


async def test_one_follows_sees_and_ceases_to(chat):
    async with chat(plugins=PLUGINS) as server:
        alice, bob, carol = await server.join("general", "alice", "bob", "carol")
        root = (await alice.says("Where to?")).message_id
        seq = (await bob.says("North.", reply_to=root)).seq
        await alice.hears("threads:replied")
        # Seen on one device, seen on all.
        other = await server.client(token=alice.token)
        assert (await alice.ask("threads:seen", message_id=root, seq=seq)).thread["unread"] == 0
        assert (await other.hears("threads:changed")).thread["unread"] == 0
        assert [
            (each["root"]["content"], each["unread"]) for each in (await other.ask("threads")).threads
        ] == [("Where to?", 0)]
        assert (await carol.ask("threads")).threads == []
        await carol.ask("threads:follow", message_id=root)
        await alice.ask("threads:follow", message_id=root, on=False)
        await bob.says("Or south.", reply_to=root)
        await carol.hears("threads:replied")
        assert await alice.heard("threads:replied") == []
        assert (await thread(alice, root), await thread(carol, root)) == ([(2, 0, False)], [(2, 1, True)])
        await bob.says("/threads")
        assert (await bob.hears("notice")).text == "alice: Where to? (2 replies)"
        # Who writes follows again.
        await alice.says("East.", reply_to=root)
        assert await thread(alice, root) == [(3, 0, True)]


async def test_who_was_removed_from_a_private_room_is_not_told_of_replies(chat):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(
        plugins=[*PLUGINS, "basics"], settings={"rooms": rooms}, accounts={"root": "admin"}
    ) as server:
        root, bob = await server.join("general", "root", "bob")
        await root.join("cellar")
        await root.says("/invite bob", "cellar")
        await bob.hears("member", action="added")
        id = (await root.says("Where to?", "cellar")).message_id
        await bob.says("North.", "cellar", reply_to=id)
        await bob.hears("threads:replied", room="cellar")
        status, _ = await server.api("DELETE", f"rooms/cellar/members/{bob.id}", token=root.token)
        assert status == 200
        reply = (await root.says("Why?", "cellar", reply_to=id)).message_id
        await root.hears("threads:replied", message_id=reply)
        # What bob may read is told after it, so that it would have come by now.
        seen = (await bob.says("Here?", "general")).message_id
        await bob.says("Yes.", "general", reply_to=seen)
        assert (await bob.hears("threads:replied")).root_id == seen


async def test_what_was_written_while_it_was_off_is_in_it(chat):
    async with chat(plugins=["history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        root = (await alice.says("Where to?")).message_id
        first = (await bob.says("North.", reply_to=root)).message_id
        await server.reload(plugins=PLUGINS)
        await bob.says("Really.", reply_to=first)
        plugin = server.plugin("threads")
        while (await plugin.following())["catch_up"]:
            pass
        assert await texts(alice, root) == ["North.", "Really."]
        assert await thread(bob, root) == [(2, 0, True)]


async def test_a_reply_may_be_noted_before_what_it_answers(chat):
    async with chat(plugins=PLUGINS) as server:
        (alice,) = await server.join("general", "alice")
        root = (await alice.says("Where to?")).message_id
        user = User(alice.id, "alice", "alice")
        first = Message("m9z1", "general", 91, 1.0, user, "", "", reply_to=root)
        second = Message("m9z2", "general", 92, 2.0, user, "", "", reply_to=first.id)
        plugin = server.plugin("threads")
        for reply in (second, first):
            await plugin.db.transaction(lambda tx, reply=reply: add(tx, reply))
        assert await thread(alice, root) == [(2, 0, True)]
        assert await plugin.db.query("SELECT DISTINCT root_id FROM threads_follower") == [{"root_id": root}]


async def test_pages_and_what_is_not_for_a_user(chat):
    rooms = [{"name": "general", "history": "joined"}, {"name": "cellar", "kind": "private"}]
    limits = {"limits": {"burst": 100}, "rooms": rooms}
    async with chat(plugins=PLUGINS, settings=limits, accounts={"root": "admin"}) as server:
        (root,) = await server.join("general", "root")
        await root.ask("join", room="cellar")
        id = (await root.says("a", "general")).message_id
        for number in range(5):
            await root.says(str(number), "general", reply_to=id)
        reply = await root.ask("threads:open", message_id=id, limit=2)
        assert ([each["content"] for each in reply.messages], reply.more) == (["3", "4"], True)
        assert await texts(root, id, before=reply.messages[0]["seq"]) == ["0", "1", "2"]
        hidden = (await root.says("a", "cellar")).message_id
        await root.says("b", "cellar", reply_to=hidden)
        (bob,) = await server.join("general", "bob")
        for type, more in (("threads:open", {}), ("threads:follow", {}), ("threads:seen", {"seq": 1})):
            for each in (hidden, id, "m0z0"):
                assert await refused(bob, type, message_id=each, **more) == ("not_found", "message_id")
        assert await refused(bob, "threads:of", room="cellar", message_ids=[hidden]) == ("not_found", "room")
        assert await thread(bob, id) == await thread(bob, hidden) == []
        # A follower who is in the room no longer learns nothing.
        (carol,) = await server.join("general", "carol")
        seen = (await root.says("c", "general")).message_id
        await root.says("d", "general", reply_to=seen)
        await carol.ask("threads:follow", message_id=seen)
        await root.ask("threads:seen", message_id=seen, seq=1)
        assert len((await carol.ask("threads")).threads) == 1
        await carol.ask("leave", room="general")
        assert (await carol.ask("threads")).threads == []


@pytest.mark.parametrize(
    ("type", "fields", "field"),
    [
        ("threads", {"limit": 51}, "limit"),
        ("threads", {"before": "x"}, "before"),
        ("threads:of", {"room": "general", "message_ids": ["m"] * 201}, "message_ids"),
        ("threads:open", {"message_id": "m", "limit": 0}, "limit"),
        ("threads:seen", {"message_id": "m", "seq": -1}, "seq"),
        ("threads:follow", {"message_id": "", "on": True}, "message_id"),
    ],
)
async def test_bad_requests_are_refused(chat, type, fields, field):
    async with chat(plugins=["threads"]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refused(alice, type, **fields) == ("invalid", field)


class ThreadMachine(RuleBasedStateMachine):
    """Replies of which some are noted at once and some later, as after a time when the plugin was off, and deletions,
    against walking up the replies."""

    @initialize()
    def begin(self):
        self.conn = sqlite3.connect(":memory:")
        self.conn.row_factory = sqlite3.Row
        for migration in MIGRATIONS:
            self.conn.execute(migration)
        self.all: list[Message] = []
        self.waiting: list[Message] = []
        self.gone: set[str] = set()

    def execute(self, sql, **params):
        return [dict(row) for row in self.conn.execute(sql, params)]

    @rule(above=st.integers(0, 30), user=st.integers(1, 3), now=st.booleans(), answers=st.booleans())
    def post(self, above, user, now, answers):
        there = [each for each in self.all if each.id not in self.gone]
        reply_to = there[above % len(there)].id if answers and there else None
        number = len(self.all) + 1
        author = User(f"u{user}", "", "")
        message = Message(f"m{number}", "a", number, float(number), author, "", "", reply_to=reply_to)
        self.all.append(message)
        if now:
            add(self, message)
        else:
            self.waiting.append(message)

    @rule()
    def catch_up(self):
        for message in self.waiting:
            if message.id not in self.gone:
                add(self, message)
        self.waiting = []

    @rule(which=st.integers(0, 30))
    def delete(self, which):
        # What is not noted yet is not deleted here: a thread of its replies then begins with them.
        noted = [each for each in self.all if each.id not in self.gone and each not in self.waiting]
        if noted:
            message = noted[which % len(noted)]
            self.gone.add(message.id)
            remove(self, message.id)

    def root(self, message):
        by_id = {each.id: each for each in self.all}
        while message.reply_to is not None:
            message = by_id[message.reply_to]
        return message.id

    @invariant()
    def every_reply_is_in_its_thread(self):
        if getattr(self, "waiting", True):
            return
        replies = [each for each in self.all if each.reply_to is not None and each.id not in self.gone]
        for message in replies:
            assert self.execute(ROOT, message_id=message.id) == [{"root_id": self.root(message)}]
        for root_id in {self.root(each) for each in replies}:
            mine = [each for each in replies if self.root(each) == root_id]
            for user in ("u1", "u2"):
                (row,) = self.execute(COUNTS, root_id=root_id, user_id=user)
                seen = [
                    each.seq
                    for each in self.all
                    if each.reply_to and self.root(each) == root_id and each.user.id == user
                ]
                assert (row["replies"], row["last"]) == (len(mine), mine[-1].seq)
                new = [each for each in mine if seen and each.seq > max(seen) and each.user.id != user]
                assert (bool(row["follows"]), row["unread"]) == (bool(seen), len(new))


def test_what_was_taken_for_a_thread_takes_its_followers_along():
    machine = ThreadMachine()
    machine.begin()
    machine.post(above=0, answers=False, now=False, user=1)
    machine.post(above=0, answers=True, now=False, user=2)
    machine.post(above=1, answers=True, now=True, user=1)
    machine.catch_up()
    machine.every_reply_is_in_its_thread()


TestThreads = ThreadMachine.TestCase
TestThreads.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
