"""The usual commands of a chat."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def test_help_lists_what_the_caller_may_use(chat):
    async with chat(plugins=["basics", "moderation"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        await alice.says("/help")
        listed = (await alice.hears("notice")).text
        assert "/msg USER TEXT… – Send a direct message." in listed
        assert "/kick" not in listed
        await mona.says("/help")
        assert "/kick USER" in (await mona.hears("notice")).text
        assert not await bob.heard("notice")


@pytest.mark.parametrize("name", ["away", "/away"])
async def test_help_explains_one_command(chat, name):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says(f"/help {name}")
        told = (await alice.hears("notice")).text.split("\n")
        assert told[0] == "/away [TEXT…]"
        assert "text: why, shown beside your name" in told
        assert told[-1] == "For example: /away · /away having lunch"


async def test_help_suggests_the_nearest_name(chat):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused, match="Did you mean /shrug") as refused:
            await alice.says("/help shrugg")
        assert refused.value.code == "not_found"


async def test_me_is_an_action(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/me waves")
        heard = await bob.hears()
        assert (heard.content, heard.kind) == ("waves", "action")


async def test_me_to_a_person_without_a_conversation_says_what_to_do_first(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        with pytest.raises(Refused, match="Send the person a plain message first") as refused:
            await alice.says("/me waves", to="bob")
        assert (refused.value.code, refused.value.field) == ("invalid", "room")
        sent = await alice.says("hello", to="bob")
        await alice.says("/me waves", sent.room)
        assert (await bob.hears(kind="action")).content == "waves"


async def test_me_needs_something_to_do(chat):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused, match="/me ACTION") as refused:
            await alice.says("/me")
        assert (refused.value.code, refused.value.field) == ("invalid", "action")


@pytest.mark.parametrize(
    ("text", "shown"), [("/shrug", "¯\\_(ツ)_/¯"), ("/shrug who knows", "who knows ¯\\_(ツ)_/¯")]
)
async def test_shrug(chat, text, shown):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says(text)
        assert (await bob.hears()).content == shown


async def test_msg_goes_to_one_person_only(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob, carol = await server.join("general", "alice", "bob", "carol")
        await alice.says("/msg bob hello /there")
        heard = await bob.hears()
        assert heard.content == "hello /there"
        assert heard.room.startswith("dm:")
        assert (await alice.hears("notice")).text == "Sent to bob."
        assert not await carol.heard()


async def test_msg_to_a_user_who_is_not_there(chat):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused) as refused:
            await alice.says("/msg nobody hello")
        assert refused.value.code == "not_found"
        with pytest.raises(Refused) as refused:
            await alice.says("/msg alice hello")
        assert refused.value.code == "invalid"


async def test_nick_changes_the_name_for_all(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/nick ally")
        assert (await alice.hears("notice")).text == "You are ally now."
        assert (await bob.hears("renamed")).user["name"] == "ally"


@pytest.mark.parametrize(
    ("name", "code"),
    [("bob", "name_taken"), ("b0b", "name_taken"), ("a@b", "invalid"), ("two words", "invalid")],
)
async def test_nick_refuses_bad_names(chat, name, code):
    async with chat(plugins=["basics"]) as server:
        alice, _ = await server.join("general", "alice", "bob")
        with pytest.raises(Refused) as refused:
            await alice.says(f"/nick {name}")
        assert refused.value.code == code


async def test_away_and_back(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/away having lunch")
        seen = await bob.hears("presence")
        assert (seen.status, seen.text) == ("away", "having lunch")
        await alice.says("/away")
        assert (await bob.hears("presence")).status == "online"


async def test_who_tells_who_is_here(chat):
    async with chat(plugins=["basics"]) as server:
        alice, _ = await server.join("general", "alice", "bob")
        await alice.says("/away")
        await alice.hears("notice")
        await alice.says("/who")
        assert (await alice.hears("notice")).text == "2 here: alice (away), bob"


async def test_rooms_are_joined_listed_and_left(chat):
    rooms = {"rooms": [{"name": "general"}, {"name": "tea", "topic": "Green or black"}]}
    async with chat(plugins=["basics"], settings=rooms) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("/rooms")
        assert (await alice.hears("notice")).text == "#general\n#tea – Green or black"
        await alice.says("/join #tea")
        assert (await alice.hears("notice")).text == "You are in #tea now."
        await alice.says("hello", room="tea")
        await alice.says("/leave tea")
        await alice.hears("notice")
        with pytest.raises(Refused) as refused:
            await alice.says("hello", room="tea")
        assert refused.value.code == "not_member"


async def test_hidden_rooms_stay_hidden(chat):
    settings = {"rooms": [{"name": "general"}, {"name": "secret", "kind": "private"}]}
    async with chat(plugins=["basics"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        for text in ("/join secret", "/who secret", "/leave secret", "/invite alice secret"):
            with pytest.raises(Refused) as refused:
                await alice.says(text)
            assert refused.value.code in ("not_found", "forbidden")
        await alice.says("/rooms")
        assert "secret" not in (await alice.hears("notice")).text


async def test_topic_is_shown_changed_and_cleared(chat):
    async with chat(plugins=["basics"]) as server:
        (alice,) = await server.join("general", "alice")
        mona = await server.account("mona")
        await mona.join("general")
        await mona.says("/topic Tea at four")
        assert (await alice.hears("room", action="changed")).topic == "Tea at four"
        await alice.says("/topic")
        assert (await alice.hears("notice")).text == "Tea at four"
        await mona.says("/topic -")
        assert (await alice.hears("room", action="changed")).topic == ""
        with pytest.raises(Refused) as refused:
            await alice.says("/topic Mine")
        assert refused.value.code == "forbidden"


async def test_invite_brings_a_user_into_a_private_room(chat):
    async with chat(plugins=["basics"]) as server:
        mona = await server.account("mona")
        (bob,) = await server.join("general", "bob")
        await server.api("POST", "rooms", {"name": "secret", "kind": "private"}, token=mona.token)
        await mona.says("/invite bob", room="secret")
        assert (await mona.hears("notice")).text == "bob was invited to #secret."
        await bob.says("thank you", room="secret")


async def test_who_stays_readable_in_a_crowd(chat):
    names = [f"user{number:03}" for number in range(103)]
    async with chat(plugins=["basics"], settings={"limits": {"connections_per_ip": 200}}) as server:
        clients = await server.join("general", *names)
        await clients[0].says("/who")
        told = (await clients[0].hears("notice")).text
        assert told.startswith("103 here: user000, user001, ")
        assert told.endswith("user099 and 3 more")
