"""A guest's name goes to another guest while the first is away: the first acts under it no more, in no way."""

from __future__ import annotations

import functools

import pytest

from chatserver.accounts.accounts import Accounts
from chatserver.testing import Refused


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


@pytest.fixture
def chat(chat):
    """Servers on which the name of a guest who is gone is free at once, just after a start too."""
    return functools.partial(chat, timeouts={"name_grace": 0})


async def gone(server, eventually, *clients):
    for client in clients:
        await client.leave()
    here = server.services.presence.is_here
    await eventually(lambda: not any(here(client.id) for client in clients))


async def test_a_token_whose_name_is_gone_does_nothing_over_http(chat, eventually):
    async with chat(plugins=["basics", "history", "files"]) as server:
        (bob,) = await server.join("general", "bob")
        sent = await bob.says("I was first")
        await gone(server, eventually, bob)
        (second,) = await server.join("general", "bob")
        for method, path, body in (
            ("POST", "rooms/general/messages", {"content": "who am I?"}),
            ("POST", "rooms/general/messages", {"content": "/me acts"}),
            ("GET", "rooms/general/messages", None),
            ("PATCH", f"messages/{sent.message_id}", {"content": "changed"}),
            ("DELETE", f"messages/{sent.message_id}", None),
            ("POST", "rooms/general/members", {"user": "bob"}),
            ("DELETE", f"rooms/general/members/{bob.id}", None),
            ("GET", "rooms", None),
            ("GET", "me", None),
        ):
            status, answer = await server.api(method, path, body, token=bob.token)
            assert (status, answer.error["code"], answer.error["field"]) == (409, "name_taken", "name"), path
        for path in ("upload?room=general", f"upload?to={second.id}"):
            answer = await server.http("POST", f"/plugins/files/{path}", body=b"x", token=bob.token)
            assert (answer.code, b'"name_taken"' in answer.body) == (409, True)
        assert (await refused(server.client(token=bob.token))).code == "name_taken"
        assert not await second.heard()
        # The page still knows whose cookie it is, and can sign out.
        cookie = {"Cookie": f"chat_session={bob.token}"}
        assert (await server.api("GET", "server", headers=cookie))[1].user["id"] == bob.id
        assert (await server.http("GET", "/", headers=cookie)).code == 200
        assert (await server.api("POST", "logout", token=bob.token))[0] == 200
        assert (await refused(server.client(token=bob.token))).code == "unauthorized"


async def test_a_name_that_is_free_again_comes_back_with_its_token(chat, eventually):
    async with chat(plugins=["basics"]) as server:
        (bob,) = await server.join("general", "bob")
        await gone(server, eventually, bob)
        (second,) = await server.join("general", "bob")
        await second.says("/nick robert")
        status, _ = await server.api("POST", "rooms/general/messages", {"content": "hi"}, token=bob.token)
        assert status == 201
        who = {"id": bob.id, "name": "bob", "display_name": "bob", "guest": True}
        assert (await second.hears(user=who)).content == "hi"


async def test_a_name_means_the_guest_who_holds_it_now(chat, on_file, eventually):
    """Guests who lost a name are still members of their rooms."""
    async with chat(settings=on_file, plugins=["basics"]) as server:
        # The ids are random: each order of them comes up.
        for name in ("ann", "bob", "cleo", "dora"):
            (first,) = await server.join("general", name)
            other, second = await server.join("general", name + "2", name + "3")
            await gone(server, eventually, first)
            await second.says(f"/nick {name}")
            await other.says(f"for @{name}")
            assert (await second.hears("mention")).room == "general"
            await server.restart()
            other, second = [await server.client(token=client.token) for client in (other, second)]
            await other.says(f"once more for @{name}", room="general")
            assert (await second.hears("mention")).room == "general"
            status, _ = await server.api("GET", "me", token=second.token)
            assert status == 200


async def test_a_guest_who_came_back_in_the_moment_the_name_was_taken_is_asked_again(chat, eventually):
    async with chat() as server:
        (bob,) = await server.join("general", "bob")
        released = []

        def is_here(user_id):
            # Gone when it is asked; what follows is what a return before the name is taken would find.
            return bool(released)

        racing = Accounts(
            server.services.store, server.server.settings.auth, is_here=is_here, on_release=released.append
        )
        second, token = await racing.guest("bob")
        racing.close()
        assert released == [bob.id]
        server.services.people.released(bob.id)
        assert await bob.closed() == 4000
        await server.client(token=token)
        assert (await server.services.accounts.find("bob")).id == second.id
        assert (await refused(server.client(token=bob.token))).code == "name_taken"
        assert (await server.client("robert", token=bob.token)).id == bob.id
