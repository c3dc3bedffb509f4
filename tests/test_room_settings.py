"""Every setting of a room goes all ways: over HTTP and by plugins, into the log, the lists and the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from chatserver import Reject
from chatserver.chat.plugin_api import PluginChat
from chatserver.model.values import RoomChange, RoomSettings
from chatserver.testing import Refused

PLUGIN = """
from dataclasses import dataclass

from chatserver import Plugin, RequestSpec, hookimpl


@dataclass(frozen=True)
class Fields:
    room: str
    settings: dict


class Rooms(Plugin):
    @hookimpl
    def register_requests(self):
        return [RequestSpec("make", Fields, self.make), RequestSpec("change", Fields, self.change)]

    async def make(self, ctx, fields):
        await self.chat.create_room(fields.room, by=ctx.user, **fields.settings)

    async def change(self, ctx, fields):
        room = await self.chat.change_room(fields.room, by=ctx.user, **fields.settings)
        return {name: getattr(room, name) for name in fields.settings}
"""


def another(type_: Any, default: Any) -> Any:
    """A value of this type that is not the default."""
    if get_origin(type_) is not None and hasattr(type_, "__metadata__"):
        type_ = get_args(type_)[0]
    if get_origin(type_) is Mapping:
        return {"guest": {"deny": ["message.post"]}}
    if values := get_args(type_):
        return next(value for value in values if value != default)
    return {bool: not default, str: "other", int: default + 1 if type_ is int else None}[type_]


DEFAULTS = msgspec.structs.asdict(RoomSettings())
OTHERS = {
    name: another(type_, DEFAULTS[name])
    for name, type_ in get_type_hints(RoomSettings, include_extras=True).items()
}
CHANGES = {name: value for name, value in OTHERS.items() if name in RoomChange.__struct_fields__}


@pytest.fixture
def server(chat, on_file, tmp_path):
    (tmp_path / "rooms.py").write_text(PLUGIN)
    return chat(plugins=["rooms"], settings=on_file, dirs=[tmp_path])


async def make(server, client, way, room, settings) -> None:
    if way == "plugin":
        await client.ask("rooms:make", room=room, settings=settings)
    else:
        status, _ = await server.api("POST", "rooms", {"name": room, **settings}, token=client.token)
        assert status == 201


async def change(server, client, way, room, settings) -> None:
    if way == "plugin":
        reply = await client.ask("rooms:change", room=room, settings=settings)
        assert {name: reply[name] for name in settings} == settings
    else:
        status, answer = await server.api("PATCH", f"rooms/{room}", settings, token=client.token)
        assert (status, {name: answer.room[name] for name in settings}) == (200, settings)


async def shown(client, room) -> dict[str, Any]:
    listed = next(each for each in (await client.ask("rooms"))["rooms"] if each["name"] == room)
    return {name: listed[name] for name in DEFAULTS}


def test_all_settings_but_the_kind_can_be_changed():
    assert set(CHANGES) == set(OTHERS) - {"kind"}
    assert all(OTHERS[name] != DEFAULTS[name] for name in OTHERS)


@pytest.mark.parametrize("way", ["http", "plugin"])
async def test_a_room_is_made_with_its_settings(server, way):
    async with server:
        alice = await server.account("alice", "admin")
        await make(server, alice, way, "plain", {})
        assert await shown(alice, "plain") == DEFAULTS
        await make(server, alice, way, "special", OTHERS)
        assert await shown(alice, "special") == OTHERS
        (made,) = (await alice.ask("sync", room="special", after=0))["events"]
        assert {name: made[name] for name in OTHERS} == OTHERS
        await server.restart()
        alice = await server.client(token=alice.token)
        assert await shown(alice, "special") == OTHERS


@pytest.mark.parametrize("way", ["http", "plugin"])
async def test_each_setting_is_changed_by_itself(server, way):
    async with server:
        alice = await server.account("alice", "admin")
        for name, value in CHANGES.items():
            room = f"room-{name}"
            await make(server, alice, way, room, {})
            await change(server, alice, way, room, {name: value})
            assert await shown(alice, room) == DEFAULTS | {name: value}
            told = await alice.hears("room", action="changed", room=room)
            assert {key: told[key] for key in DEFAULTS if key in told} == {name: value}
            await change(server, alice, way, room, {name: DEFAULTS[name]})
        await server.restart()
        alice = await server.client(token=alice.token)
        for name in CHANGES:
            assert await shown(alice, f"room-{name}") == DEFAULTS


@pytest.mark.parametrize("way", ["http", "plugin"])
async def test_wrong_values_change_nothing(server, way):
    wrong = [
        ("title", 1),
        ("history", "some"),
        ("topic", "x" * 501),
        ("archived", "yes"),
        ("title", "x" * 5000),
    ]
    async with server:
        alice = await server.account("alice", "admin")
        await make(server, alice, way, "tea", {})
        for field, value in wrong:
            if way == "http":
                status, answer = await server.api("PATCH", "rooms/tea", {field: value}, token=alice.token)
                assert (status, answer.error["code"]) == (400, "invalid")
                assert answer.error["field"] == field
            else:
                with pytest.raises(Refused, match="invalid") as refused:
                    await alice.ask("rooms:change", room="tea", settings={field: value})
                assert refused.value.field == field
            assert await shown(alice, "tea") == DEFAULTS


async def test_a_plugin_that_names_no_setting_is_told(server):
    async with server:
        alice = await server.account("alice", "admin")
        chat = PluginChat("rooms", server.server.services, None)
        user = await chat.user("alice")
        for settings in ({"colour": "red"}, {"name": "x"}):
            with pytest.raises(TypeError, match=next(iter(settings))):
                await chat.create_room("tea", by=user, **settings)
        await chat.create_room("tea", by=user)
        with pytest.raises(TypeError, match="kind"):
            await chat.change_room("tea", by=user, kind="private")
        with pytest.raises(Reject):
            await chat.create_room("den", by=user, kind="direct")
        assert await shown(alice, "tea") == DEFAULTS
