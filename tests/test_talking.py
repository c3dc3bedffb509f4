"""People talking: the protocol as two clients see it."""

from __future__ import annotations


async def test_two_people_talk(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        heard = await bob.hears()
        assert (heard.content, heard.html, heard.rev, heard.seq) == ("hello", "hello", 1, sent.seq)
        assert heard.user["name"] == "alice"
        assert (await alice.hears()).message_id == sent.message_id
