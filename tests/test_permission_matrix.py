"""Every role, every permission, every way: what the table says is what the server does, cell by cell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest

from chatserver.model.errors import ConfigError, PluginError
from chatserver.model.permissions import CORE, Permissions, Rules
from chatserver.model.values import ROLES, Member, User
from chatserver.testing import Refused
from chatserver.testing.harness import PASSWORD

PRESS = {"inherits": "member", "grants": ["room.announce", "message.delete_any"], "denies": ["room.create"]}
SETTINGS = {
    "auth": {"roles": {"press": PRESS}},
    "limits": {"messages_per_second": 10_000, "burst": 100_000, "connections_per_ip": 10_000},
    "rooms": [{"name": "hidden", "kind": "private"}],
}
ROOM_ROLES = ("moderator", "owner")
number = count()


class Scene:
    """One actor in a room of its own, with what there is to act on."""

    def __init__(self, server: Any, root: Any, role: str, room_role: str) -> None:
        self.server, self.root, self.role, self.room_role = server, root, role, room_role

    async def set(self) -> Scene:
        """Begin anew: each cell has a room, a message of the actor's, and one of another user."""
        n = next(number)
        services = self.server.services
        self.room = f"room{n}"
        live = await services.room_service.create(self.root_user, self.room, {})
        for each in (self.user, self.victim):
            await services.room_service.invite(self.root_user, self.room, each)
        if self.room_role != "member":
            await services.room_service.set_role(self.root_user, self.room, self.user, self.room_role)
        self.member = live.members[self.user.id]
        self.own = (await self.client.says("own", self.room)).message_id
        self.other = (await self.target.says("other", self.room)).message_id
        return self

    async def enter(self) -> Scene:
        find = self.server.services.accounts.find
        name = f"{self.role}-{self.room_role}"
        if self.role == "guest":
            self.client = await self.server.client(name)
        else:
            self.client = await self.server.account(name, self.role)
        self.target = await self.server.client(f"victim-{name}")
        self.user, self.victim = await find(self.client.id), await find(self.target.id)
        self.root_user = await find("root")
        return self

    async def ask(self, type: str, **fields: Any) -> None:
        await self.client.ask(type, **fields)

    async def command(self, text: str) -> None:
        await self.client.says(text, self.room)

    async def http(self, method: str, path: str, body: Any = None) -> None:
        _, answer = await self.server.api(method, path, body, token=self.client.token or self.client.bearer)
        if "error" in answer:
            raise Refused({"message": "", **answer["error"]})


Act = Callable[[Scene], Awaitable[None]]


def fresh() -> str:
    return f"new{next(number)}"


async def read_only(s: Scene) -> None:
    await s.server.services.room_service.change(s.root_user, s.room, {"read_only": True})


async def announce(s: Scene) -> None:
    await read_only(s)
    await s.ask("message", room=s.room, content="news")


async def announce_http(s: Scene) -> None:
    await read_only(s)
    await s.http("POST", f"rooms/{s.room}/messages", {"content": "news"})


async def announce_command(s: Scene) -> None:
    await read_only(s)
    await s.command("/me tells news")


async def leave_first(s: Scene) -> None:
    await s.server.services.room_service.leave(s.user, s.room)


async def join(s: Scene) -> None:
    await leave_first(s)
    await s.ask("join", room=s.room)


async def join_http(s: Scene) -> None:
    await leave_first(s)
    await s.http("POST", f"rooms/{s.room}/members", {"user": s.user.id})


async def stranger(s: Scene) -> str:
    return str((await s.server.client(f"s{next(number)}")).id)


async def direct(s: Scene) -> None:
    await s.ask("message", to=await stranger(s), content="hi")


async def direct_command(s: Scene) -> None:
    await s.command(f"/msg {await stranger(s)} hi")


async def invite(s: Scene) -> None:
    await s.command(f"/invite {await stranger(s)}")


async def invite_http(s: Scene) -> None:
    await s.http("POST", f"rooms/{s.room}/members", {"user": await stranger(s)})


MATRIX: dict[str, dict[str, Act]] = {
    "message.post": {
        "ws": lambda s: s.ask("message", room=s.room, content="x"),
        "http": lambda s: s.http("POST", f"rooms/{s.room}/messages", {"content": "x"}),
        "command": lambda s: s.command("/me waves"),
    },
    "message.edit": {
        "ws": lambda s: s.ask("edit", message_id=s.own, content="y"),
        "http": lambda s: s.http("PATCH", f"messages/{s.own}", {"content": "y"}),
    },
    "message.delete": {
        "ws": lambda s: s.ask("delete", message_id=s.own),
        "http": lambda s: s.http("DELETE", f"messages/{s.own}"),
    },
    "message.delete_any": {
        "ws": lambda s: s.ask("delete", message_id=s.other),
        "http": lambda s: s.http("DELETE", f"messages/{s.other}"),
    },
    "room.join": {"ws": join, "http": join_http},
    "room.create": {"http": lambda s: s.http("POST", "rooms", {"name": fresh()})},
    "room.topic": {
        "ws": lambda s: s.ask("set_room", room=s.room, topic="t"),
        "http": lambda s: s.http("PATCH", f"rooms/{s.room}", {"topic": "t"}),
        "command": lambda s: s.command("/topic t"),
    },
    "room.change": {
        "ws": lambda s: s.ask("set_room", room=s.room, title="T"),
        "http": lambda s: s.http("PATCH", f"rooms/{s.room}", {"title": "T"}),
    },
    "room.invite": {"http": invite_http, "command": invite},
    "room.remove": {"http": lambda s: s.http("DELETE", f"rooms/{s.room}/members/{s.victim.id}")},
    "room.announce": {"ws": announce, "http": announce_http, "command": announce_command},
    "room.roles": {
        "ws": lambda s: s.ask("room_role", room=s.room, user=s.victim.id, role="moderator"),
        "http": lambda s: s.http("PATCH", f"rooms/{s.room}/members/{s.victim.id}", {"role": "moderator"}),
        "command": lambda s: s.command(f"/role {s.victim.id} moderator"),
    },
    "room.retention": {
        "ws": lambda s: s.ask("set_room", room=s.room, keep_days=7),
        "http": lambda s: s.http("PATCH", f"rooms/{s.room}", {"keep_days": 7}),
        "command": lambda s: s.command("/keep 7"),
    },
    "room.permissions": {
        "ws": lambda s: s.ask("set_room", room=s.room, permissions={"guest": {"deny": ["message.post"]}}),
        "http": lambda s: s.http("PATCH", f"rooms/{s.room}", {"permissions": {}}),
        "command": lambda s: s.command("/permit guest message.post no"),
    },
    "direct.start": {"ws": direct, "command": direct_command},
    "user.rename": {
        "ws": lambda s: s.ask("profile", display_name=f"n{next(number)}"),
        "http": lambda s: s.http("PATCH", "me", {"display_name": f"n{next(number)}"}),
        "command": lambda s: s.command(f"/nick n{next(number)}"),
    },
    "user.status": {
        "ws": lambda s: s.ask("presence", status="busy"),
        "command": lambda s: s.command("/away lunch"),
    },
    "invite.create": {"http": lambda s: s.http("POST", "invites", {})},
    "server.accounts": {"http": lambda s: s.http("GET", "accounts")},
    "audit.read": {
        "ws": lambda s: s.ask("audit", room=s.room),
        "http": lambda s: s.http("GET", f"audit?room={s.room}"),
    },
    "server.plugins": {"command": lambda s: s.command("/plugins")},
    "moderation.kick": {"command": lambda s: s.command(f"/kick {s.victim.id}")},
    "moderation.mute": {"command": lambda s: s.command(f"/mute {s.victim.id} 5")},
    "moderation.ban": {"command": lambda s: s.command(f"/ban {s.victim.id} 5")},
    "moderation.words": {
        "ws": lambda s: s.ask("moderation:words", room=s.room, words=[]),
        "command": lambda s: s.command("/words add cucumber"),
    },
    "moderation.report": {
        "ws": lambda s: s.ask("report", user=s.victim.id, reason="x"),
        "http": lambda s: s.http("POST", "reports", {"user": s.victim.id, "reason": "x"}),
        "command": lambda s: s.command(f"/report {s.victim.id} x"),
    },
}
ELSEWHERE = {
    "room.join_private": "joining answers not_found: tests/test_hidden_rooms.py",
    "room.skip_slow_mode": "it lets through instead of refusing: tests/test_room_rules.py",
    "room.unlimited": "it lifts a limit: tests/test_room_rules.py",
    "user.reset": "it counts everywhere, not in one room: tests/plugins/test_avatars.py",
    "audit.sign_ins": "it filters instead of refusing: tests/test_audit.py",
    "server.metrics": "by address, too: tests/test_metrics.py",
}


def test_every_permission_of_the_core_is_in_the_matrix():
    assert set(CORE) <= set(MATRIX) | set(ELSEWHERE)
    assert not set(MATRIX) & set(ELSEWHERE)


@pytest.mark.parametrize(
    ("role", "room_role"),
    [*((role, "member") for role in (*ROLES, "press")), *(("member", each) for each in ROOM_ROLES)],
)
async def test_each_cell(chat, role, room_role):
    async with chat(plugins=["basics", "moderation"], settings=SETTINGS) as server:
        root = await server.account("root", "admin")
        scene = await Scene(server, root, role, room_role).enter()
        table = server.server.host.current.permissions
        wrong = []
        for permission, ways in MATRIX.items():
            for way, act in ways.items():
                await scene.set()
                here = scene.member if not permission.startswith(("server.", "invite.")) else None
                expected = table.may(scene.user, permission, here)
                if permission in ("room.create", "direct.start", "user.rename", "user.status"):
                    expected = table.may(scene.user, permission)
                try:
                    await act(scene)
                    code = None
                except Refused as refusal:
                    code = refusal.code
                if (code != "forbidden") != expected:
                    wrong.append((permission, way, expected, code))
        assert wrong == []


def test_the_table_itself_says_why():
    rules = Rules(inherits="member", grants=("room.announce",), denies=("room.topic",))
    table = Permissions({}, {}, {"press": rules, "guest": Rules(denies=("direct.start",))})
    ann = User("u", "ann", "ann", "press")
    assert table.decide(ann, "room.announce") == (True, "the role has it")
    assert table.decide(ann, "room.topic", Member(ann, "owner")) == (False, "the role is denied it")
    assert table.decide(ann, "room.roles", Member(ann, "owner")) == (True, "an owner of a room has it there")
    assert table.decide(ann, "room.change") == (False, "the role doesn't have it")
    assert table.decide(ann, "no.such") == (False, "there is no such permission")
    guest = User("g", "gus", "gus", "guest")
    assert not table.may(guest, "direct.start")
    assert table.may(ann, "direct.start")
    assert "room.topic" not in table.held(ann)
    gone = User("x", "x", "x", "abolished")
    assert table.held(gone) == table.held(User("m", "m", "m", "member"))
    assert not table.outranks(ann, User("m", "m", "m", "member"))


async def test_an_account_gets_a_role_of_the_admins_own(chat):
    async with chat(plugins=["basics"], settings=SETTINGS, accounts={"pia": "press"}) as server:
        await server.account("root", "admin")
        pia = await server.client("pia")
        assert pia.welcome.user["role"] == "press"
        assert "room.announce" in pia.welcome.permissions
        assert "room.create" not in pia.welcome.permissions
        status, answer = await server.api("POST", "login", {"name": "root", "password": PASSWORD})
        assert status == 200
        for role, code in (("king", 400), ("guest", 400), ("member", 200), ("press", 200)):
            status, _ = await server.api("PATCH", f"accounts/{pia.id}", {"role": role}, token=answer.token)
            assert (role, status) == (role, code)
        user = await server.services.accounts.find("pia")
        why = await server.services.access.why(user, "room.create")
        assert why == "pia (role press) may not room.create: the role is denied it."
        live = await server.services.rooms.get("hidden")
        why = await server.services.access.why(user, "message.post", live)
        assert why.startswith("pia (role press) may message.post in hidden: the role has it.\nJust now")


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"press": {"grants": ["room.anounce"]}}, r"auth\.roles\.press\.grants\[0\].*room\.announce"),
        ({"press": {"denies": ["x.y"]}}, r"auth\.roles\.press\.denies\[0\].*there is no permission"),
        ({"Press": {}}, r"auth\.roles\.Press.*small letters"),
        ({"owner": {}}, r"auth\.roles\.owner"),
        ({"guest": {"inherits": "member"}}, r"auth\.roles\.guest\.inherits"),
        ({"press": {"inherits": "admin"}}, r"auth\.roles\.press\.inherits"),
        ({"press": {"grant": []}}, r"grants"),
    ],
)
async def test_a_mistake_in_a_role_is_told_with_its_place(chat, roles, told):
    with pytest.raises((ConfigError, PluginError), match=told):
        async with chat(settings={"auth": {"roles": roles}}):
            pass
