"""Read receipts: in small rooms, of those who let it be seen, and told once for what is read at once."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

pytestmark = pytest.mark.storage


async def readers(client, seq=0, room="general"):
    reply = await client.ask("receipts", room=room, seq=seq)
    return {each["user"]["name"]: each["seq"] for each in reply.readers}


async def refused(client, type="receipts", **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def test_who_has_read_how_far(chat):
    async with chat(plugins=["receipts"]) as server:
        alice, bob, carol = await server.join("general", "alice", "bob", "carol")
        seqs = [(await alice.says(text)).seq for text in ("one", "two", "three")]
        assert await readers(alice) == {}
        for seq in seqs[:2]:
            await bob.ask("read", room="general", seq=seq)
        # Told once, by the last one.
        heard = await alice.hears("receipts:read")
        assert (heard.room, heard.user["id"], heard.seq) == ("general", bob.id, seqs[1])
        assert await alice.heard("receipts:read") == []
        assert await readers(alice, seqs[0]) == {"bob": seqs[1]}
        assert await readers(alice, seqs[2]) == {}
        # Who writes has read what came before.
        await carol.says("four")
        assert await readers(alice, seqs[2]) == {"carol": seqs[2] + 1}
        assert await readers(bob) == {"alice": seqs[2], "carol": seqs[2] + 1}
        # Who came later has not read it.
        await server.join("general", "dan")
        assert "dan" not in await readers(alice, seqs[0])


async def test_a_person_may_keep_it_back(chat):
    async with chat(plugins=["receipts"], settings={"store": {"url": "sqlite:"}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        seq = (await alice.says("one")).seq
        await bob.says("/receipts off")
        assert (await bob.hears("receipts:shown")).on is False
        await bob.ask("read", room="general", seq=seq)
        assert await readers(alice, seq) == {}
        tokens = alice.token, bob.token
        await server.restart()
        alice, bob = [await server.client(token=token) for token in tokens]
        assert (await bob.ask("receipts:show")).on is False
        assert await readers(alice, seq) == {}
        assert (await bob.ask("receipts:show", on=True)).on is True
        seq = (await alice.says("two", "general")).seq
        await bob.ask("read", room="general", seq=seq)
        assert (await alice.hears("receipts:read")).seq == seq
        assert await alice.heard("receipts:read") == []


async def test_who_is_invisible_is_not_told_of(chat, eventually):
    async with chat(plugins=["receipts"], settings={"store": {"url": "sqlite:"}}) as server:
        alice, bob, carol = await server.join("general", "alice", "bob", "carol")
        seqs = [(await alice.says(text)).seq for text in ("one", "two", "three", "four")]
        await bob.ask("read", room="general", seq=seqs[0])
        assert (await alice.hears("receipts:read")).seq == seqs[0]
        for client in (bob, carol):
            await client.ask("presence", status="invisible")
            await client.ask("read", room="general", seq=seqs[1])
        await bob.ask("read", room="general", seq=seqs[2])
        rows = "SELECT count(*) AS n FROM receipts_hidden"
        await eventually(lambda: len(server.plugin("receipts").hidden._hidden) == 2)
        # Who asks learns no more, and after a restart neither.
        assert await readers(alice) == {"bob": seqs[0]}
        await bob.leave()
        token = alice.token
        await server.restart()
        alice = await server.client(token=token)
        assert await readers(alice) == {"bob": seqs[0]}
        bob = await server.client(token=bob.token)
        await bob.ask("presence", status="online")
        assert await readers(alice) == {"bob": seqs[2]}
        await bob.ask("read", room="general", seq=seqs[3])
        assert (await alice.hears("receipts:read")).seq == seqs[3]
        await eventually(lambda: len(server.plugin("receipts").hidden._hidden) == 1)
        assert (await server.plugin("receipts").db.query(rows))[0]["n"] == 1


async def test_a_room_may_not_show_it(chat):
    async with chat(plugins={"receipts": {"most": 3}}, accounts={"mona": "moderator"}) as server:
        mona, bob = await server.join("general", "mona", "bob")
        assert await refused(bob, "receipts:room", room="general", on=False) == ("forbidden", None)
        await mona.ask("receipts:room", room="general", on=False)
        assert (await bob.hears("receipts:room")).on is False
        assert await refused(bob, room="general") == ("forbidden", "room")
        await mona.says("/receipts room on")
        assert await readers(bob) == {}
        seq = (await mona.says("hello")).seq
        await bob.ask("read", room="general", seq=seq)
        await mona.hears("receipts:read")
        await server.join("general", "carol", "dan")
        assert await refused(bob, room="general") == ("forbidden", "room")
        seq = (await mona.says("hello")).seq
        await bob.ask("read", room="general", seq=seq)
        await server.plugin("receipts").tell()
        assert await mona.heard("receipts:read") == []


@pytest.mark.parametrize(
    ("type", "fields", "answer"),
    [
        ("receipts", {"room": "nowhere"}, ("not_found", "room")),
        ("receipts", {"room": "cellar"}, ("not_found", "room")),
        ("receipts", {"room": "tea"}, ("not_member", "room")),
        ("receipts", {"room": "general", "seq": -1}, ("invalid", "seq")),
        ("receipts", {"room": "general", "seq": "1"}, ("invalid", "seq")),
        ("receipts:room", {"room": "tea", "on": False}, ("not_member", "room")),
        ("receipts:show", {"on": "no"}, ("invalid", "on")),
    ],
)
async def test_what_is_not_theirs_to_see_is_refused(chat, type, fields, answer):
    rooms = [{"name": "general"}, {"name": "tea"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["receipts"], settings={"rooms": rooms}) as server:
        (bob,) = await server.join("general", "bob")
        assert await refused(bob, type, **fields) == answer
