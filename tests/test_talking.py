"""People talking: the protocol as two clients see it; what is unread, and who was named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chatserver.chat.listing import RoomLists
from chatserver.model.values import Room, RoomPosition, User
from chatserver.store.room_lists import Membership, RoomList
from chatserver.testing import Refused

pytestmark = [pytest.mark.transport, pytest.mark.sending]


def room_of(welcome, name="general"):
    return next(r for r in welcome.rooms if r["name"] == name)


async def test_two_people_talk(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        heard = await bob.hears()
        assert (heard.content, heard.html, heard.rev, heard.seq) == ("hello", "hello", 1, sent.seq)
        assert heard.user["name"] == "alice"
        assert (await alice.hears()).message_id == sent.message_id


async def test_all_tabs_of_a_user_hear_the_same(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        tab = await server.client(token=alice.token)
        sent = await alice.says("hello", nonce="n")
        for client in (alice, tab):
            heard = await client.hears()
            assert (heard.message_id, heard.nonce) == (sent.message_id, "n")


async def test_unread_counts_messages_and_nothing_else(chat, on_file):
    async with chat(plugins=["moderation"], settings=on_file) as server:
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("before")
        await bob.ask("read", room="general", seq=(await bob.hears()).seq)
        sent = [await alice.says(f"{n}") for n in range(3)]
        await alice.ask("edit", message_id=sent[0].message_id, content="edited")
        await mod.says("/mute alice 1")
        for _ in range(2):
            tab = await server.client(token=bob.token)
            assert room_of(tab.welcome)["unread"] == 3
            assert room_of(tab.welcome)["head"] == sent[-1].seq + 2
            await server.restart()
        bob = await server.client(token=bob.token)
        await bob.ask("read", room="general", seq=sent[1].seq)
        assert room_of(await bob.ask("rooms"))["unread"] == 1
        # The mark only moves forward.
        await bob.ask("read", room="general", seq=1)
        listed = room_of(await bob.ask("rooms"))
        assert (listed["unread"], listed["read"]) == (1, sent[1].seq)
        # One's own message moves one's mark.
        await bob.says("me", "general")
        assert room_of(await bob.ask("rooms"))["unread"] == 0


async def test_deleted_messages_and_names_edited_out_count_no_longer(chat, on_file):
    async with chat(settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.leave()
        gone, changed, kept = [await alice.says(f"@bob {n}") for n in range(3)]
        plain = await alice.says("nothing")
        await alice.ask("delete", message_id=gone.message_id)
        await alice.ask("edit", message_id=changed.message_id, content="never mind")
        await alice.ask("edit", message_id=kept.message_id, content="still @bob")
        for _ in range(2):
            listed = room_of((await server.client(token=bob.token)).welcome)
            assert (listed["unread"], listed["mentions"]) == (3, 1)
            await server.restart()
        alice, bob = [await server.client(token=client.token) for client in (alice, bob)]
        await bob.ask("read", room="general", seq=kept.seq)
        await alice.ask("delete", message_id=changed.message_id)
        assert room_of(await bob.ask("rooms"))["unread"] == 1
        await alice.ask("delete", message_id=plain.message_id)
        assert room_of(await bob.ask("rooms"))["unread"] == 0


async def test_a_name_that_an_edit_adds_is_told_and_counted_once(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        await bob.ask("read", room="general", seq=sent.seq)
        edited = await alice.ask("edit", message_id=sent.message_id, content="hello @bob")
        told = await bob.hears("mention")
        assert (told.seq, told.message_id) == (edited.seq, sent.message_id)
        again = await alice.ask("edit", message_id=sent.message_id, content="hello @bob!")
        assert not await bob.heard("mention")
        assert room_of(await bob.ask("rooms"))["mentions"] == 1
        await bob.ask("read", room="general", seq=again.seq)
        assert room_of(await bob.ask("rooms"))["mentions"] == 0


class Changing:
    """Rooms whose counts change while they are read, and a store that counts its reads."""

    def __init__(self, times):
        self.times = times
        self.reads = 0

    async def read(self, query):
        self.reads += 1
        entry = Membership(Room("general"), RoomPosition(self.reads), "member", 0, 0, 0, 1, floor=0)
        return RoomList([entry], [], {})

    def loaded(self, name):
        return SimpleNamespace(recounted=self.reads + (self.reads <= self.times))


@pytest.mark.parametrize(("times", "reads"), [(0, 1), (1, 2), (9, 3)])
async def test_counts_that_change_while_they_are_read_are_read_again(times, reads):
    changing = Changing(times)
    lists = await RoomLists(changing, changing, None, 100).of(User("u1", "bob", "bob"))
    assert (changing.reads, lists.mine[0].position.seq) == (reads, reads)


async def test_a_read_mark_is_told_to_ones_other_connections(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        tab = await server.client(token=bob.token)
        sent = await alice.says("hello")
        await bob.ask("read", room="general", seq=sent.seq)
        assert dict(await tab.hears("read")) == {"type": "read", "room": "general", "seq": sent.seq}
        assert not await alice.heard("read")
        with pytest.raises(Refused) as caught:
            await bob.ask("read", room="general", seq=sent.seq + 1)
        assert (caught.value.code, caught.value.field) == ("invalid", "seq")


async def test_newcomers_start_with_nothing_unread(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        await alice.says("old @bob")
        bob = await server.client("bob")
        reply = await bob.join("general")
        assert (reply.room["unread"], reply.room["mentions"]) == (0, 0)
        assert room_of(await bob.ask("rooms"))["unread"] == 0
        await alice.says("new")
        assert room_of(await bob.ask("rooms"))["unread"] == 1
        await bob.ask("leave", room="general")
        await alice.says("missed")
        await bob.join("general")
        assert room_of(await bob.ask("rooms"))["unread"] == 0


async def test_who_is_named_is_told_and_it_is_counted_until_read(chat):
    async with chat() as server:
        alice, bob, carl = await server.join("general", "alice", "bob", "carl")
        sent = await alice.says("@BOB, and (@carl)! not @nobody, a@bob or @alice")
        for client in (bob, carl):
            event = await client.hears("mention")
            assert dict(event) == {
                "type": "mention", "room": "general", "seq": sent.seq, "message_id": sent.message_id,
                "user": {"id": alice.id, "name": "alice", "display_name": "alice", "guest": True},
            }  # fmt: skip
        assert not await alice.heard("mention")
        await alice.says("@bob once more")
        listed = room_of(await bob.ask("rooms"))
        assert (listed["mentions"], listed["unread"]) == (2, 2)
        await bob.ask("read", room="general", seq=sent.seq)
        assert room_of(await bob.ask("rooms"))["mentions"] == 1
        assert room_of(await carl.ask("rooms"))["mentions"] == 1


async def test_two_servers_in_one_process_know_nothing_of_each_other(chat, tmp_path):
    (tmp_path / "other").mkdir()
    from chatserver.testing import Harness

    async with chat() as one, Harness(tmp_path / "other") as two:
        alice, bob = (await one.join("general", "alice"))[0], (await two.join("general", "alice"))[0]
        await alice.says("here")
        assert not await bob.heard()
        assert alice.welcome.epoch != bob.welcome.epoch
        with pytest.raises(Refused) as caught:
            await two.client(token=alice.token)
        assert caught.value.code == "unauthorized"
