"""Ids and names: an id always means its owner, a name is found however it is written."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.model.confusables import confusable_key
from chatserver.model.errors import Reject
from chatserver.model.ids import is_id_form, new_user_id
from chatserver.model.names import name_key, room_key, room_name, user_name
from chatserver.store import accounts as table
from chatserver.testing import Refused

OTHER = "u00112233445566ff"
"""An id that has no owner."""
UNASSIGNED_IDS = [OTHER, OTHER.upper(), "ｕ00112233445566ff", "m" + "0" * 27, "system", "SYSTEM", "Ｓystem"]


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def named_like(server, name: str):
    """A guest of a database from before names in the form of ids were refused."""
    client = await server.client("guest")

    def rename(conn):
        user = table.user_by_id(conn, client.id)
        table.rename(conn, user, name, confusable_key(name))

    await server.services.store.write(rename)
    return client


@pytest.mark.parametrize("name", UNASSIGNED_IDS)
def test_a_name_in_the_form_of_an_id_is_refused(name):
    with pytest.raises(Reject) as refusal:
        user_name(name)
    assert (refusal.value.code, refusal.value.field) == ("invalid", "name")


@pytest.mark.parametrize(
    "name", ["u2", "umberto", "facade", "u0011223344556677x", "ab" * 16, "u" * 17, "systems"]
)
def test_names_that_only_begin_like_ids_are_accepted(name):
    assert user_name(name) == name


def test_an_id_has_the_form_of_one_and_no_two_are_alike():
    ids = {new_user_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(is_id_form(each) and each == name_key(each) for each in ids)


async def test_every_way_to_a_name_refuses_the_form_of_an_id(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        for name in (alice.id, alice.id.upper(), OTHER, "system"):
            assert (await refused(bob.says(f"/nick {name}"))).code == "invalid"
            assert (await refused(server.client(name))).code == "invalid"
            status, answer = await server.api("POST", "guest", {"name": name})
            assert (status, answer.error["code"], answer.error["field"]) == (400, "invalid", "name")
            with pytest.raises(Reject, match="is kept for"):
                await server.services.accounts.add(name, "correct horse", "member")
        assert (await server.client(token=bob.token)).name == "bob"


async def test_an_id_means_its_owner_though_an_older_database_has_it_as_a_name(chat):
    async with chat(plugins=["basics", "moderation", "files"]) as server:
        olga = await server.account("olga")
        bob = await server.client("bob")
        eve = await named_like(server, bob.id)
        await server.api("POST", "rooms", {"name": "secret", "kind": "private"}, token=olga.token)
        assert (await server.services.accounts.find(bob.id)).id == bob.id
        assert (await server.services.accounts.find("@" + bob.id.upper())).id == bob.id

        await olga.says("psst", to=bob.id)
        assert (await bob.hears()).content == "psst"
        await olga.says(f"/msg {bob.id} and more", room="secret")
        assert (await bob.hears()).content == "and more"

        status, _ = await server.api("POST", "rooms/secret/members", {"user": bob.id}, token=olga.token)
        assert status == 201
        assert (await bob.hears("member", action="added")).target["id"] == bob.id
        # Though the guest with this name is in the room as well.
        await olga.says(f"/invite {eve.id}", room="secret")
        assert (await eve.hears("member", action="added")).target["id"] == eve.id
        status, _ = await server.api("DELETE", f"rooms/secret/members/{bob.id}", token=olga.token)
        assert status == 200
        assert (await eve.hears("member", action="removed")).target["id"] == bob.id
        path = f"/plugins/files/upload?to={bob.id}"
        assert (await server.http("POST", path, body=b"x", token=olga.token)).code == 201
        assert not await eve.heard()


async def test_the_system_is_made_though_a_guest_of_an_older_database_has_its_name(chat, on_file):
    async with chat(settings={**on_file, "rooms": []}) as server:
        guest = await named_like(server, "system")
        assert (await server.services.accounts.find("system")).id == guest.id
    async with chat(settings={**on_file, "rooms": [{"name": "general"}]}) as server:
        again = await server.client(token=guest.token)
        assert [room["name"] for room in again.welcome.rooms] == ["general"]
        assert (await server.services.accounts.find("system")).id == "system"
        assert (await server.services.accounts.find(guest.id)).id == guest.id


# One normal form


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("general", "general"),
        ("General", "general"),
        ("#general", "general"),
        ("#GENERAL", "general"),
        ("ÉCOLE", "école"),
        (unicodedata.normalize("NFD", "école"), "école"),
        ("DM:u1+u2", "dm:u1+u2"),
    ],
)
def test_a_room_is_found_however_it_is_written(written, meant):
    assert room_key(written) == meant


@given(st.text(max_size=80))
def test_a_rooms_own_name_is_its_key(text):
    try:
        name = room_name(text)
    except Reject:
        return
    assert room_key(name) == name == room_key(text) == room_key("#" + name)


@given(st.text(max_size=40))
def test_a_names_key_is_blind_to_case_and_composition(text):
    assert name_key(text) == name_key(unicodedata.normalize("NFD", text)) == name_key(name_key(text))
    assert name_key(text) == name_key(text.casefold())


@pytest.mark.parametrize("written", ["École", "#école", unicodedata.normalize("NFD", "école")])
async def test_requests_find_a_room_however_it_is_written(chat, written):
    async with chat(
        settings={"rooms": [{"name": "école"}]}, plugins=["basics", "history", "moderation", "files"]
    ) as server:
        (alice,) = await server.join("école", "alice")
        mona = await server.account("mona", "moderator")
        reply = await mona.join(written)
        assert reply.room["name"] == "école"
        assert (await mona.says("one", room=written)).room == "école"
        assert (await alice.hears()).content == "one"
        await mona.ask("typing", room=written)
        assert (await alice.hears("typing")).room == "école"
        other = await server.client(token=alice.token)
        await alice.ask("read", room=written, seq=2)
        assert (await other.hears("read")).room == "école"
        assert (await mona.ask("sync", room=written, after=1)).events[-1]["content"] == "one"
        assert (await mona.ask("history", room=written)).events[-1]["content"] == "one"
        assert (await mona.ask("members", room=written)).count == 2
        await mona.says("/ban alice", room=written)
        await mona.hears("notice", room="école")
        await mona.says("/bans", room=written)
        assert (await mona.hears("notice", room="école")).text.startswith("alice, by mona")
        status, answer = await server.api("GET", "rooms/" + quoted(written), token=mona.token)
        assert (status, answer.room["name"]) == (200, "école")
        upload = await server.http(
            "POST", "/plugins/files/upload?room=" + quoted(written), body=b"x", token=mona.token
        )
        assert upload.code == 201
        bob = await server.client("bob", path="/ws/" + quoted(written))
        assert (await bob.says("two", room="école")).room == "école"
        await bob.ask("leave", room=written)
        assert (await bob.hears("rooms", removed=["école"])).rooms == []
        taken, _ = await server.api("POST", "rooms", {"name": "école"}, token=mona.token)
        assert taken == 409


@pytest.mark.parametrize("written", ["José", "@josé", "JOSÉ", "@" + unicodedata.normalize("NFD", "José")])
async def test_requests_find_a_user_however_the_name_is_written(chat, written):
    async with chat(plugins=["basics"]) as server:
        olga = await server.account("olga")
        jose = await server.client("José")
        await server.api("POST", "rooms", {"name": "secret", "kind": "private"}, token=olga.token)
        await olga.says("psst", to=written)
        assert (await jose.hears()).content == "psst"
        await olga.says(f"/invite {written}", room="secret")
        await jose.hears("member", action="added")
        status, _ = await server.api("DELETE", "rooms/secret/members/" + quoted(written), token=olga.token)
        assert status == 200
        await jose.hears("kicked")


def quoted(text: str) -> str:
    return quote(text, safe="")
