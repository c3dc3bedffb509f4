"""A user's own sessions: seen, ended, and bounded; a changed password; accounts that are shut out."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused

PASSWORD = "correct horse"


async def login(server, name: str = "carl", password: str = PASSWORD, browser: str = "Browser/1") -> str:
    form = {"name": name, "password": password}
    status, answer = await server.api("POST", "login", form, headers={"User-Agent": browser})
    assert status == 200, answer
    return answer.token


async def sessions(server, token: str) -> list[dict]:
    return (await server.api("GET", "sessions", token=token))[1].sessions


async def status(server, token: str) -> int:
    return (await server.api("GET", "me", token=token))[0]


async def test_one_sees_where_one_is_signed_in(chat, clock):
    async with chat(clock=clock) as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        first = await login(server, browser="Phone/7")
        clock.days = 1
        second = await login(server, browser="Desk/9 " + "x" * 1000)
        listed = await sessions(server, second)
        assert [(each["current"], each["client"][:7], each["address"]) for each in listed] == [
            (True, "Desk/9 ", "127.0.0.1"), (False, "Phone/7", "127.0.0.1")
        ]  # fmt: skip
        assert set(listed[0]) == {"id", "current", "created", "used", "expires", "address", "client"}
        # Neither token nor hash.
        assert all(
            token not in str(listed) and len(each["id"]) == 16 for token in (first, second) for each in listed
        )
        clock.days = 2
        assert await status(server, first) == 200
        used = {each["client"][:7]: each["used"] for each in await sessions(server, second)}
        assert used["Phone/7"] > listed[0]["used"]


@pytest.mark.transport
async def test_one_session_is_ended_from_another(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        lost, mine = await login(server, browser="Lost"), await login(server)
        other = await server.account("dora")
        client, here = await server.client(token=lost), await server.client(token=mine)
        (id,) = (each["id"] for each in await sessions(server, mine) if each["client"] == "Lost")
        # Not by others, and nothing is ended by half an id.
        for token, wrong in ((other.token, id), (mine, id[:8]), (mine, "x"), (mine, "0" * 16)):
            code, answer = await server.api("DELETE", f"sessions/{wrong}", token=token)
            assert (code, answer.error["code"]) == (404, "not_found")
        assert await client.ask("ping")
        assert (await server.api("DELETE", f"sessions/{id}", token=mine))[0] == 200
        assert await client.closed() == 4003
        assert (await status(server, lost), await status(server, mine)) == (401, 200)
        assert await here.ask("ping")
        assert (await server.api("DELETE", f"sessions/{id}", token=mine))[0] == 404


async def test_signing_out_everywhere_else(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        tokens = [await login(server) for _ in range(3)]
        clients = [await server.client(token=token) for token in tokens]
        code, answer = await server.api("DELETE", "sessions", token=tokens[0])
        assert (code, answer.ended) == (200, 2)
        assert [await client.closed() for client in clients[1:]] == [4003, 4003]
        assert await clients[0].ask("ping")
        assert [await status(server, token) for token in tokens] == [200, 401, 401]


async def test_without_a_session_there_is_nothing_to_see(chat):
    async with chat() as server:
        for method, path, body in (("GET", "sessions", None), ("DELETE", "sessions", None),
                                   ("DELETE", "sessions/x", None),
                                   ("POST", "password", {"old": PASSWORD, "new": "another horse"})):  # fmt: skip
            assert (await server.api(method, path, body))[0] == 401


async def test_a_session_ends_however_often_it_is_used(chat, clock):
    settings = {"auth": {"session_days": 10, "session_most_days": 25}}
    async with chat(settings=settings, clock=clock) as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        used, idle = await login(server), await login(server)
        client = await server.client(token=used)
        for clock.days in (9, 18, 24.9):
            assert await status(server, used) == 200
        assert await status(server, idle) == 401
        clock.days = 25.1
        assert await status(server, used) == 401
        await server.services.account_changes.clean_up()
        assert await client.closed() == 4003


async def test_an_account_has_so_many_sessions_those_unused_for_long_end(chat, clock):
    async with chat(settings={"auth": {"sessions_per_user": 3}}, clock=clock) as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        await server.services.accounts.add("dora", PASSWORD, "member")
        other = await login(server, "dora")
        tokens = []
        for clock.days in (0, 1, 2):
            tokens.append(await login(server))
            if clock.days == 1:
                client = await server.client(token=tokens[1])
        clock.days = 3
        assert await status(server, tokens[0]) == 200
        tokens.append(await login(server))
        # One that is connected is in use, however long ago it was said.
        assert [await status(server, token) for token in (*tokens, other)] == [200, 200, 401, 200, 200]
        await client.ask("ping")
        others = [await server.client(token=token) for token in (tokens[0], tokens[3])]
        tokens.append(await login(server))
        assert [await status(server, token) for token in tokens] == [401, 200, 401, 200, 200]
        # The server looks by itself, once a second.
        assert await others[0].closed() == 4003
        for each in (client, others[1]):
            await each.ask("ping")


async def test_a_guest_sees_their_own_session(chat):
    async with chat() as server:
        gus = await server.client("gus")
        (only,) = await sessions(server, gus.token)
        assert only["current"]
        assert (await server.api("DELETE", f"sessions/{only['id']}", token=gus.token))[0] == 200
        assert await gus.closed() == 4003


# Passwords


async def test_a_new_password_ends_the_other_sessions(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", PASSWORD, "member")
        mine, other = await login(server), await login(server)
        client, here = await server.client(token=other), await server.client(token=mine)
        for form, expected in (
            ({"old": "wrong horse", "new": "another horse"}, "unauthorized"),
            ({"old": PASSWORD, "new": "short"}, "invalid"),
            ({"old": PASSWORD, "new": "password1"}, "invalid"),
            ({"old": PASSWORD}, "invalid"),
            ({"old": PASSWORD, "new": None}, "invalid"),
        ):
            _, answer = await server.api("POST", "password", form, token=mine)
            assert answer.error["code"] == expected, form
        assert await client.ask("ping")
        form = {"old": PASSWORD, "new": "another horse"}
        assert (await server.api("POST", "password", form, token=mine))[0] == 200
        assert await client.closed() == 4003
        assert await here.ask("ping")
        assert (await status(server, mine), await status(server, other)) == (200, 401)
        assert (await server.api("POST", "login", {"name": "carl", "password": PASSWORD}))[0] == 401
        await login(server, password="another horse")


async def test_a_guest_has_no_password_to_change(chat):
    async with chat() as server:
        gus = await server.client("gus")
        form = {"old": PASSWORD, "new": "another horse"}
        assert (await server.api("POST", "password", form, token=gus.token))[1].error[
            "code"
        ] == "unauthorized"


async def test_an_admins_link_sets_a_password_once(chat, clock):
    async with chat(accounts={"root": "admin", "mod": "moderator"}, clock=clock) as server:
        root, mod = await server.client("root"), await server.client("mod")
        await server.services.accounts.add("carl", PASSWORD, "member")
        carl = await server.client(token=await login(server))

        async def link() -> str:
            code, made = await server.api("POST", f"accounts/{carl.id}/reset", token=root.token)
            assert (code, made.path) == (201, f"/#reset={made.token}")
            return made.token

        assert (await server.api("POST", f"accounts/{carl.id}/reset", token=mod.token))[0] == 403
        assert (await server.api("POST", "accounts/nobody/reset", token=root.token))[0] == 404
        old, token = await link(), await link()
        # It signs no one in, and a newer one replaces it.
        assert (await status(server, token), await status(server, old)) == (401, 401)
        with pytest.raises(Refused):
            await server.client(token=token)
        form = {"token": token, "password": "another horse"}
        for wrong, expected in (({**form, "token": old}, "unauthorized"), ({**form, "password": "carlcarl"}, "invalid"),
                                ({**form, "token": root.token}, "unauthorized")):  # fmt: skip
            assert (await server.api("POST", "reset", wrong))[1].error["code"] == expected
        made = await asyncio.gather(*(server.api("POST", "reset", form) for _ in range(2)))
        assert sorted(code for code, _ in made) == [200, 401]
        assert await carl.closed() == 4003
        await login(server, password="another horse")
        late = await link()
        clock.days = 1.1
        assert (await server.api("POST", "reset", {**form, "token": late}))[0] == 401


async def test_a_new_password_ends_a_link_that_was_made_before(chat):
    async with chat(accounts={"root": "admin"}) as server:
        root, carl = await server.client("root"), await server.account("carl")
        _, link = await server.api("POST", f"accounts/{carl.id}/reset", token=root.token)
        form = {"old": PASSWORD, "new": "another horse"}
        assert (await server.api("POST", "password", form, token=carl.token))[0] == 200
        late = {"token": link.token, "password": "third horse"}
        assert (await server.api("POST", "reset", late))[0] == 401
        await login(server, password="another horse")


# Accounts that are shut out


@pytest.mark.transport
async def test_a_disabled_account_is_out_at_once_and_may_come_back(chat):
    async with chat(accounts={"root": "admin", "boss": "admin"}) as server:
        root = await server.client("root")
        await server.services.accounts.add("carl", PASSWORD, "member")
        token = await login(server)
        carl = await server.client(token=token)
        path = f"accounts/{carl.id}"
        code, answer = await server.api("PATCH", path, {"state": "disabled"}, token=root.token)
        assert (code, answer.account["state"]) == (200, "disabled")
        assert await carl.closed() == 4003
        assert await status(server, token) == 401
        right = {"name": "carl", "password": PASSWORD}
        code, answer = await server.api("POST", "login", right)
        assert (code, answer.error["code"]) == (403, "forbidden")
        # A wrong password learns nothing of it.
        assert (await server.api("POST", "login", {**right, "password": "wrong horse"}))[0] == 401
        (shut,) = (await server.api("GET", "accounts?state=disabled", token=root.token))[1].accounts
        assert shut["name"] == "carl"
        assert (await server.api("PATCH", path, {"state": "active"}, token=root.token))[0] == 200
        assert await status(server, token) == 401
        await login(server)


async def test_what_an_admin_cannot_do_with_accounts(chat):
    async with chat(accounts={"root": "admin", "mod": "moderator", "mia": "member"}) as server:
        root, mod, mia = [await server.client(name) for name in ("root", "mod", "mia")]
        gus = await server.client("gus")
        path = f"accounts/{mia.id}"
        for body in (
            {"state": "waiting"},
            {"state": "gone"},
            {"role": "owner"},
            {"role": "guest"},
            {"name": "x"},
            [],
            7,
        ):
            assert (await server.api("PATCH", path, body, token=root.token))[0] == 400, body
        for who in (root.id, gus.id, "nobody"):
            code = (await server.api("PATCH", f"accounts/{who}", {"role": "member"}, token=root.token))[0]
            assert code == (403 if who == root.id else 404)
        for who in (mod, mia, gus):
            assert (await server.api("PATCH", path, {"role": "admin"}, token=who.token))[0] == 403
            assert (await server.api("GET", "accounts", token=who.token))[0] == 403
        assert (await server.api("GET", "accounts?state=none", token=root.token))[0] == 400
        code, answer = await server.api("PATCH", path, {"role": "moderator"}, token=root.token)
        assert (code, answer.account["role"]) == (200, "moderator")
        assert (await server.api("GET", "me", token=mia.token))[1].user["role"] == "moderator"


async def test_who_manages_accounts_gets_no_rights_that_way(chat):
    roles = {"clerk": {"inherits": "moderator", "grants": ["server.accounts"]}}
    people = {"root": "admin", "boss": "admin", "ned": "member", "mod": "moderator"}
    async with chat(accounts=people, settings={"auth": {"roles": roles}}) as server:
        clerk = await server.account("cleo", "clerk")
        root, boss, ned, mod = [await server.client(name) for name in ("root", "boss", "ned", "mod")]
        for by, target in ((clerk, boss), (clerk, mod), (root, boss)):
            path = f"accounts/{target.id}"
            for form in ({"state": "disabled"}, {"role": "member"}):
                assert (await server.api("PATCH", path, form, token=by.token))[0] == 403, (
                    by.name,
                    target.name,
                )
            assert (await server.api("POST", f"{path}/reset", token=by.token))[0] == 403
        path = f"accounts/{ned.id}"
        assert (await server.api("PATCH", path, {"role": "admin"}, token=clerk.token))[0] == 403
        assert (await server.api("PATCH", path, {"role": "moderator"}, token=clerk.token))[0] == 200
        assert (await server.api("PATCH", path, {"role": "member"}, token=root.token))[0] == 200
        # Nothing of it where one half is wrong.
        form = {"role": "nonsense", "state": "disabled"}
        assert (await server.api("PATCH", path, form, token=root.token))[0] == 400
        assert (await server.api("GET", "me", token=ned.token))[0] == 200
        # A program has no say in who may do what.
        made = {"name": "bot", "scopes": ["server.accounts"]}
        _, answer = await server.api("POST", "tokens", made, token=root.token)
        for form in ({"state": "disabled"}, {"role": "member"}):
            assert (await server.api("PATCH", path, form, token=answer.token))[0] == 403
        assert (await server.api("POST", f"{path}/reset", token=answer.token))[0] == 403


VOUCHES = """
from chatserver import Plugin, hookimpl

class Vouches(Plugin):
    @hookimpl
    async def authenticate(self, request):
        name = request.headers.get("x-user")
        return await self.chat.user(name) if name else None
"""


async def test_a_disabled_account_does_not_come_in_by_a_plugin(chat, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/vouches.py").write_text(VOUCHES)
    async with chat(plugins=["vouches"], dirs=[tmp_path / "own"], accounts={"root": "admin"}) as server:
        root, mia = await server.client("root"), await server.account("mia")
        await server.api("PATCH", f"accounts/{mia.id}", {"state": "disabled"}, token=root.token)
        assert (await server.api("GET", "me", headers={"X-User": "mia"}))[0] == 403
        client = await server.connect(headers={"X-User": "mia"})
        with pytest.raises(Refused) as caught:
            await client.hello()
        assert caught.value.code == "forbidden"
