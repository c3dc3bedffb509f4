"""What changes about a user while a hello is on its way: welcome and what follows it are of after the change."""

from __future__ import annotations

import pytest

from chatserver.model.confusables import confusable_key
from chatserver.store import accounts as table
from chatserver.testing import Refused

pytestmark = [pytest.mark.transport, pytest.mark.sending]

PASSWORD = "correct horse"


@pytest.fixture
def meanwhile(monkeypatch):
    """``meanwhile(owner, name, change)``: lets ``change`` happen once, when the method has its answer already."""

    def hold(owner, name, change):
        method = getattr(owner, name)
        waiting = [change]

        async def held(*args, **kwargs):
            answer = await method(*args, **kwargs)
            if waiting:
                await waiting.pop()()
            return answer

        monkeypatch.setattr(owner, name, held)
        return waiting

    return hold


def rooms_of(client) -> list[str]:
    return [room["name"] for room in client.welcome.rooms if room["joined"]]


async def cast(server):
    """A moderator, a witness and an account with two rooms, who has left."""
    mona, alice = await server.account("mona", "moderator"), await server.client("alice")
    carl = await server.account("carl")
    for client in (mona, alice, carl):
        await client.join("tea")
        await client.join("general")
    await carl.leave()
    await alice.heard("joined")
    return mona, alice, carl


SETTINGS = {"rooms": [{"name": "general"}, {"name": "tea"}]}
PLUGINS = ["basics", "moderation"]


@pytest.mark.parametrize("command", ["/kick carl", "/ban carl"])
async def test_removed_while_the_rooms_were_read(chat, meanwhile, command):
    async with chat(settings=SETTINGS, plugins=PLUGINS) as server:
        mona, alice, carl = await cast(server)

        async def change():
            await mona.says(command, room="general")

        happened = meanwhile(server.server.services.room_lists, "of", change)
        back = await server.client(token=carl.token)
        assert not happened
        assert rooms_of(back) == ["tea"]
        await alice.says("not for carl", room="general")
        await alice.says("for all", room="tea")
        assert [e.content for e in await back.heard()] == ["for all"]


async def test_added_while_the_rooms_were_read(chat, meanwhile):
    async with chat(settings=SETTINGS, plugins=PLUGINS) as server:
        mona, _, carl = await cast(server)
        await server.api("POST", "rooms", {"name": "secret", "kind": "private"}, token=mona.token)

        async def change():
            await mona.says("/invite carl", room="secret")

        meanwhile(server.server.services.room_lists, "of", change)
        back = await server.client(token=carl.token)
        assert rooms_of(back) == ["general", "secret", "tea"]
        await mona.says("welcome", room="secret")
        assert [e.content for e in await back.heard()] == ["welcome"]


@pytest.mark.parametrize(("owner", "method"), [("accounts", "returning"), ("room_lists", "of")])
async def test_renamed_and_promoted_while_it_was_looked_up(chat, meanwhile, owner, method):
    async with chat(settings=SETTINGS, plugins=PLUGINS) as server:
        _, alice, carl = await cast(server)
        tab = await server.client(token=carl.token)
        core = server.server.services

        async def change():
            await tab.says("/nick carlo", room="general")
            await core.accounts.set_role(await core.accounts.find("carl"), "moderator")
            await core.account_changes.apply()

        meanwhile(getattr(core, owner), method, change)
        back = await server.client(token=carl.token)
        assert (back.welcome.user["display_name"], back.welcome.user["role"]) == ("carlo", "moderator")
        assert "moderation.kick" in back.welcome.permissions
        await back.says("me", room="tea")
        assert (await alice.hears()).user["display_name"] == "carlo"


@pytest.mark.parametrize(("owner", "method"), [("accounts", "returning"), ("room_lists", "of")])
@pytest.mark.parametrize("way", ["logout", "password"])
async def test_signed_out_while_it_was_looked_up(chat, meanwhile, owner, method, way):
    async with chat(settings=SETTINGS, plugins=PLUGINS) as server:
        _, alice, carl = await cast(server)
        core = server.server.services

        async def change():
            if way == "logout":
                await core.account_changes.sign_out(carl.token)
            else:
                await core.credentials.set_password(await core.accounts.find("carl"), PASSWORD)
                await core.account_changes.apply()

        meanwhile(getattr(core, owner), method, change)
        with pytest.raises(Refused) as caught:
            await server.client(token=carl.token)
        assert caught.value.code == "unauthorized"
        assert not await alice.heard("joined")
        assert not core.presence.is_here(carl.id)


async def test_a_guests_name_lost_while_it_was_looked_up(chat, meanwhile):
    async with chat(settings=SETTINGS, plugins=PLUGINS) as server:
        (bob,) = await server.join("general", "bob")
        await bob.leave()
        core = server.server.services
        taken = []

        async def change():
            # As when the name goes to another guest: see test_guest_names.
            taken.append((await core.accounts.add("robert", PASSWORD, "member")).id)
            await core.store.write(lambda conn: take_name(conn, bob.id, taken[0]))
            core.people.released(bob.id)

        meanwhile(core.accounts, "returning", change)
        with pytest.raises(Refused) as caught:
            await server.client(token=bob.token)
        assert caught.value.code == "name_taken"
        back = await server.client("bobby", token=bob.token)
        assert (back.id, back.name) == (bob.id, "bobby")


def take_name(conn, guest: str, other: str) -> None:
    table.release_name(conn, guest, confusable_key("bob"))
    table.rename(conn, table.user_by_id(conn, other), "bob", confusable_key("bob"))
