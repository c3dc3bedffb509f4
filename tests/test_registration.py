"""Registration: for whom, with which names and passwords, by invite, and once an admin agrees."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused

PASSWORD = "correct horse"


def registers(mode: str, **limits) -> dict:
    return {"auth": {"registration": mode}, "limits": {"registrations_per_hour": 1000, **limits}}


async def register(server, name: str, password: str = PASSWORD, **more):
    return await server.api("POST", "register", {"name": name, "password": password, **more})


def refusal(made) -> tuple[int, str, str | None]:
    status, answer = made
    return status, answer.error["code"], answer.error.get("field")


async def test_where_registration_is_open_one_is_signed_in_by_it(chat):
    async with chat(settings=registers("open")) as server:
        assert (await server.api("GET", "server"))[1].registration == "open"
        status, made = await register(server, "ann")
        assert (status, made.user["role"], made.user["name"]) == (200, "member", "ann")
        ann = await server.client(token=made.token)
        assert ann.welcome.user["role"] == "member"
        status, again = await server.api("POST", "login", {"name": "ann", "password": PASSWORD})
        assert (status, again.user) == (200, made.user)


async def test_what_can_be_no_account(chat):
    async with chat(settings=registers("open")) as server:
        await register(server, "ann")
        guest = await server.client("gus")
        for name, password, expected in (
            ("ann", PASSWORD, (409, "name_taken", "name")),
            ("аnn", PASSWORD, (409, "name_taken", "name")),
            ("gus", PASSWORD, (409, "name_taken", "name")),
            ("admin", PASSWORD, (400, "invalid", "name")),
            ("Αdmin", PASSWORD, (400, "invalid", "name")),
            ("everyone", PASSWORD, (400, "invalid", "name")),
            ("a b", PASSWORD, (400, "invalid", "name")),
            ("", PASSWORD, (400, "invalid", "name")),
            ("bob", "", (400, "invalid", "password")),
            ("bob", "1234567", (400, "invalid", "password")),
            ("bob", " " * 8, (400, "invalid", "password")),
            ("bob", "password", (400, "invalid", "password")),
            ("bobbybob", "BobbyBob", (400, "invalid", "password")),
            ("bobbybob", "bobbybob1", (400, "invalid", "password")),
            ("bob", "\ud800" * 9, (400, "bad_request", None)),
        ):
            assert refusal(await register(server, name, password)) == expected, (name, password)
        for body in (None, {}, {"name": "bob"}, {"name": 1, "password": PASSWORD}, [], "text",
                     {"name": "bob", "password": PASSWORD, "role": "admin"},
                     {"name": "bob", "password": PASSWORD, "invite": 7}):  # fmt: skip
            assert (await server.api("POST", "register", body))[0] == 400, body
        # None of it has made anything, or disturbed anyone.
        assert await guest.ask("ping")
        assert (await register(server, "bob"))[0] == 200


async def test_guests_have_no_reserved_names_either(chat):
    async with chat(plugins=["basics"]) as server:
        for name in ("admin", "Server", "аll", "moderator"):
            with pytest.raises(Refused) as caught:
                await server.client(name)
            assert (caught.value.code, caught.value.field) == ("invalid", "name")
        (gus,) = await server.join("general", "gus")
        with pytest.raises(Refused) as caught:
            await gus.says("/nick here")
        assert caught.value.code == "invalid"
        root = await server.account("root", "admin")
        await root.join("general")
        await root.says("/nick admin")


@pytest.mark.parametrize(("mode", "expected"), [
    ("closed", (403, "forbidden", None)), ("invite", (401, "unauthorized", "invite")),
])  # fmt: skip
async def test_where_it_is_not_open(chat, mode, expected):
    async with chat(settings=registers(mode)) as server:
        assert refusal(await register(server, "ann")) == expected
        assert (await server.api("POST", "login", {"name": "ann", "password": PASSWORD}))[0] == 401


async def test_of_two_at_once_one_gets_the_name(chat):
    async with chat(settings=registers("open")) as server:
        made = await asyncio.gather(*(register(server, name) for name in ("ann", "ANN", "ann")))
        assert sorted(status for status, _ in made) == [200, 409, 409]


async def test_one_address_registers_a_few(chat):
    async with chat(settings=registers("open", registrations_per_hour=2)) as server:
        # What is refused for its form doesn't count.
        for _ in range(5):
            assert (await register(server, "a b"))[0] == 400
        assert [(await register(server, name))[0] for name in ("ann", "bob", "cid")] == [200, 200, 429]
        _, answer = await register(server, "cid")
        assert 0 < answer.error["retry_after"] <= 1800


# Approval


async def test_an_account_waits_for_an_admin(chat, eventually):
    async with chat(settings=registers("approval"), accounts={"root": "admin", "mod": "moderator"}) as server:
        root, mod = await server.client("root"), await server.client("mod")
        status, answer = await register(server, "ann")
        assert (status, answer) == (202, {"waiting": True})
        assert "ann" in (await root.hears("notice")).text
        login = {"name": "ann", "password": PASSWORD}
        assert refusal(await server.api("POST", "login", login)) == (403, "forbidden", None)
        assert refusal(await server.api("POST", "login", {**login, "password": "wrong horse"}))[0] == 401
        assert refusal(await register(server, "Ann")) == (409, "name_taken", "name")
        status, answer = await server.api("GET", "accounts?state=waiting", token=root.token)
        (waiting,) = answer.accounts
        assert (waiting["name"], waiting["role"], waiting["state"]) == ("ann", "member", "waiting")
        path = f"accounts/{waiting['id']}"
        assert refusal(await server.api("PATCH", path, {"state": "active"}, token=mod.token))[0] == 403
        status, answer = await server.api("PATCH", path, {"state": "active"}, token=root.token)
        assert (status, answer.account["state"]) == (200, "active")
        assert (await server.api("POST", "login", login))[0] == 200


async def test_a_refused_account_is_gone_and_its_name_is_free(chat):
    async with chat(settings=registers("approval"), accounts={"root": "admin"}) as server:
        root = await server.client("root")
        await register(server, "ann")
        (waiting,) = (await server.api("GET", "accounts?state=waiting", token=root.token))[1].accounts
        path = f"accounts/{waiting['id']}"
        assert (await server.api("DELETE", path, token=root.token))[0] == 200
        assert refusal(await server.api("DELETE", path, token=root.token)) == (404, "not_found", "user")
        assert (await server.api("POST", "login", {"name": "ann", "password": PASSWORD}))[0] == 401
        assert (await register(server, "ann"))[0] == 202
        # An account that is in use is not removed by it.
        assert (await server.api("DELETE", f"accounts/{root.id}", token=root.token))[0] == 404


# Invites


async def invite(server, client, **fields):
    status, answer = await server.api("POST", "invites", fields, token=client.token)
    assert status == 201, answer
    return answer.invite


async def test_an_invite_lets_so_many_in_and_into_its_rooms(chat):
    async with chat(settings=registers("invite"), accounts={"mod": "moderator"}) as server:
        mod = await server.client("mod")
        await server.api("POST", "rooms", {"name": "team", "kind": "private"}, token=mod.token)
        await mod.join("general")
        made = await invite(server, mod, uses=2, rooms=["team", "#general", "team"])
        assert (made["uses_left"], made["rooms"], made["by"]["name"]) == (2, ["team", "general"], "mod")
        assert made["path"] == f"/#invite={made['code']}"
        status, ann = await register(server, "ann", invite=made["code"])
        assert status == 200
        welcome = (await server.client(token=ann.token)).welcome
        assert {room["name"] for room in welcome.rooms if "role" in room or room.get("joined")} == {
            "team",
            "general",
        }
        # A name that is taken uses nothing up; of two at once for the last use one gets it.
        assert (await register(server, "ann", invite=made["code"]))[0] == 409
        tried = await asyncio.gather(
            *(register(server, name, invite=made["code"]) for name in ("bob", "cid", "dan"))
        )
        assert sorted(status for status, _ in tried) == [200, 401, 401]
        assert refusal(await register(server, "eve", invite=made["code"])) == (401, "unauthorized", "invite")
        assert (await server.api("GET", "invites", token=mod.token))[1].invites == []


async def test_invites_end(chat, clock):
    async with chat(settings=registers("invite"), accounts={"mod": "moderator"}, clock=clock) as server:
        mod = await server.client("mod")
        first, second = await invite(server, mod, days=2), await invite(server, mod, uses=5, days=30)
        assert [each["code"] for each in (await server.api("GET", "invites", token=mod.token))[1].invites] == [
            second["code"], first["code"]
        ]  # fmt: skip
        assert (await server.api("DELETE", f"invites/{second['code']}", token=mod.token))[0] == 200
        assert (await server.api("DELETE", f"invites/{second['code']}", token=mod.token))[0] == 404
        clock.days = 2.1
        for code in (first["code"], second["code"], "", "wrong"):
            assert refusal(await register(server, "ann", invite=code)) == (401, "unauthorized", "invite")


async def test_invites_are_good_while_their_maker_may_invite(chat):
    accounts = {"root": "admin", "mod": "moderator", "other": "moderator"}
    async with chat(settings=registers("invite"), accounts=accounts) as server:
        root, mod, other = [await server.client(name) for name in accounts]
        of_mod, of_other = await invite(server, mod, uses=9), await invite(server, other, uses=9)
        assert (await register(server, "ann", invite=of_mod["code"]))[0] == 200
        for maker, change, code in (
            (mod, {"role": "member"}, of_mod["code"]),
            (other, {"state": "disabled"}, of_other["code"]),
        ):
            made = await server.api("PATCH", f"accounts/{maker.id}", change, token=root.token)
            assert made[0] == 200
            assert refusal(await register(server, "bob", invite=code)) == (401, "unauthorized", "invite")


async def test_who_may_make_invites_for_what(chat):
    accounts = {"mod": "moderator", "other": "moderator", "root": "admin", "mia": "member"}
    async with chat(settings=registers("open"), accounts=accounts) as server:
        mod, other, root, mia = [await server.client(name) for name in accounts]
        gus = await server.client("gus")
        for who in (mia, gus):
            assert refusal(await server.api("POST", "invites", {}, token=who.token))[1] == "forbidden"
            assert refusal(await server.api("GET", "invites", token=who.token))[1] == "forbidden"
        await server.api("POST", "rooms", {"name": "team", "kind": "private"}, token=other.token)
        # Rooms that one isn't in, or that aren't there, look the same.
        for room in ("team", "nowhere"):
            assert (
                refusal(await server.api("POST", "invites", {"rooms": [room]}, token=mod.token))[1]
                == "not_found"
            )
        for bad in ({"uses": 0}, {"uses": 1001}, {"uses": 1.5}, {"days": 0}, {"days": 366}, {"days": "7"},
                    {"rooms": "team"}, {"rooms": [1]}, {"more": 1}):  # fmt: skip
            assert refusal(await server.api("POST", "invites", bad, token=mod.token))[0] == 400, bad
        mine, theirs = await invite(server, mod), await invite(server, other)
        assert [
            each["code"] for each in (await server.api("GET", "invites", token=mod.token))[1].invites
        ] == [mine["code"]]
        assert refusal(await server.api("DELETE", f"invites/{theirs['code']}", token=mod.token))[0] == 404
        assert len((await server.api("GET", "invites", token=root.token))[1].invites) == 2
        assert (await server.api("DELETE", f"invites/{theirs['code']}", token=root.token))[0] == 200


async def test_an_invite_into_a_room_that_its_maker_has_left_is_one_to_the_server(chat):
    async with chat(
        settings=registers("invite"), accounts={"mod": "moderator", "other": "moderator"}
    ) as server:
        mod, other = await server.client("mod"), await server.client("other")
        await server.api("POST", "rooms", {"name": "team", "kind": "private"}, token=other.token)
        await server.api("POST", "rooms/team/members", {"user": "mod"}, token=other.token)
        made = await invite(server, mod, rooms=["team"])
        await server.api("DELETE", f"rooms/team/members/{mod.id}", token=mod.token)
        status, ann = await register(server, "ann", invite=made["code"])
        assert status == 200
        assert "team" not in [room["name"] for room in (await server.client(token=ann.token)).welcome.rooms]


# Plugins

GATE = """
from chatserver import Plugin, Reject, hookimpl

class Gate(Plugin):
    @hookimpl
    async def before_register(self, name, request):
        if not name.startswith("x"):
            raise Reject(f"{name} from {request.remote_ip}: names begin with x here.")
"""


async def test_a_plugin_may_refuse_a_registration(chat, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/gate.py").write_text(GATE)
    async with chat(plugins=["gate"], dirs=[tmp_path / "own"], settings=registers("open")) as server:
        status, answer = await register(server, "ann")
        assert (status, answer.error["code"], answer.error["plugin"]) == (403, "rejected", "gate")
        assert answer.error["message"] == "ann from 127.0.0.1: names begin with x here."
        assert (await register(server, "xann"))[0] == 200
