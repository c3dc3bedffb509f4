"""``self.chat``: what a plugin may do, as one object over the use cases (`chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from ..delivery.hub import user_topic
from ..model.people import Profile
from ..model.values import Member, Room, RoomRole, Status, Upload, User
from ..plugins.gateways import Format, GatewaySession, Link
from ..plugins.moderation_api import Ban
from ..protocol import events as wire
from ..store.members import read_marks
from .plugin_messages import PluginMessages, room_name
from .rooms import direct_room
from .services import Services


class OpenSession(Protocol):
    """Opens a session over a connection of a plugin."""

    async def __call__(
        self, plugin: str, link: Link, format: Format, *, user: User | None, name: str | None, token: str | None,
        remote_ip: str,
    ) -> GatewaySession: ...  # fmt: skip


class PluginChat(PluginMessages):
    """One plugin's handle on the chat."""

    def __init__(self, plugin: str, services: Services, open_session: OpenSession) -> None:
        super().__init__(plugin, services)
        self._open_session = open_session

    # Uploads

    async def before_upload(self, upload: Upload) -> Upload:
        if not self._services.host.current.hooks.has("before_upload"):
            return upload
        checked = self._services.host.current.hooks.filter("before_upload", upload)
        return cast(Upload, await checked if isawaitable(checked) else checked)

    async def before_store(self, upload: Upload, path: Path) -> None:
        hooks = self._services.host.current.hooks
        if hooks.has("before_store"):
            asked = hooks.filter("before_store", upload, path)
            if isawaitable(asked):
                await asked

    def after_upload(self, upload: Upload) -> None:
        self._services.notifier.notify("after_upload", upload)

    def notice(self, user: User, text: str, *, room: Room | str | None = None, level: str = "info") -> None:
        where = None if room is None else self._here(room)
        self._services.bus.publish(user_topic(user.id), wire.notice(text, where, level), ephemeral=True)

    # Rooms

    async def room(self, name: str) -> Room:
        return (await self._live(name)).room

    async def rooms(self, *, user: User) -> list[Room]:
        lists = await self._services.room_lists.of(user)
        return [entry.room for entry in (*lists.mine, *lists.public)]

    async def create_room(self, name: str, *, by: User | None = None, **settings: Any) -> Room:
        return (
            await self._services.room_service.create(await self._acting(by), self._here(name), settings)
        ).room

    async def change_room(self, room: Room | str, *, by: User | None = None, **settings: Any) -> Room:
        return (
            await self._services.room_service.change(await self._acting(by), self._here(room), settings)
        ).room

    async def direct(self, user: User, other: User, *, make: bool = True) -> Room:
        if not make:
            return await self._services.room_service.direct_to_be(user, other)
        self._here(direct_room(user, other))
        live, _ = await self._services.room_service.direct(user, other)
        return live.room

    async def join(self, room: Room | str, *, user: User | None = None) -> Room:
        return (await self._services.room_service.join(await self._acting(user), self._here(room))).room

    async def leave(self, room: Room | str, *, user: User | None = None) -> None:
        await self._services.room_service.leave(await self._acting(user), self._here(room))

    async def invite(self, room: Room | str, user: User, *, by: User | None = None) -> bool:
        return await self._services.room_service.invite(await self._acting(by), self._here(room), user)

    async def set_room_role(
        self, room: Room | str, user: User, role: RoomRole, *, by: User | None = None
    ) -> None:
        await self._services.room_service.set_role(await self._acting(by), self._here(room), user, role)

    # People

    async def user(self, name_or_id: str) -> User:
        return await self._services.accounts.find(name_or_id)

    async def members(self, room: Room | str) -> list[Member]:
        return list((await self._live(room)).members.values())

    async def rendered(self, room: Room | str, content: str, *, user: User) -> str:
        await self.may_post(room, user=user)
        live = await self._live(room)
        return await self._services.messages.rendered(user, live.room, content)

    async def read_marks(self, room: Room | str) -> dict[str, int]:
        name = (await self._live(room)).room.name
        return await self._services.store.read(lambda conn: read_marks(conn, name))

    def status(self, user: User) -> Status:
        return self._services.presence.status(user.id)[0]

    def online(self, room: Room | str) -> list[User]:
        live = self._services.rooms.loaded(room_name(room))
        members = live.members.values() if live is not None else ()
        return [m.user for m in members if self._services.presence.status(m.user.id)[0] != "offline"]

    async def set_status(
        self, user: User, status: Status | None = None, text: str | None = None, until: float = 0.0
    ) -> None:
        await self._services.people.set_status(user, status, text, until)

    def profile(self, user: User) -> Profile:
        kept, said = self._services.profiles.of(user.id), self._services.profiles.own(user.id)
        return Profile(
            status_text=said.text, status_until=said.until, time_zone=kept.time_zone, language=kept.language
        )

    def blocks(self, user: User, other: User) -> bool:
        return self._services.blocks.has(user.id, other.id)

    async def block(self, user: User, other: User, on: bool = True) -> None:
        await self._services.people.block(user, other, on)

    async def blocked(self, user: User) -> list[User]:
        return await self._services.people.blocked(user)

    async def set_avatar(self, user: User, address: str | None) -> User:
        if address is not None and not address.startswith(f"/plugins/{self._plugin}/"):
            raise ValueError(f"a picture's address begins with /plugins/{self._plugin}/")
        return await self._services.profile_changes.picture(user, address)

    async def reset_profile(
        self, user: User, part: Literal["name", "picture", "status"], *, by: User, reason: str = ""
    ) -> None:
        await self._services.profile_changes.reset(by, user, part, reason)

    async def rename(self, user: User, name: str) -> User:
        return await self._services.people.rename(user, name)

    async def may(self, user: User, permission: str, room: Room | str | None = None) -> bool:
        live = None if room is None else await self._live(room)
        return await self._services.access.may(user, permission, live)

    async def outranks(self, user: User, other: User, room: Room | str | None = None) -> bool:
        members = (await self._live(room)).members if room is not None else {}
        places = members.get(user.id), members.get(other.id)
        return self._services.access.permissions.outranks(user, other, *places)

    def commands(self, user: User) -> list[Mapping[str, Any]]:
        return list(
            self._services.host.current.commands.listing(
                lambda name: self._services.access.by_role(user, name)
            )
        )

    # Plugins

    async def why(self, message_id: str | None = None, *, room: Room | str | None = None, by: User) -> str:
        await self._services.access.require(by, "server.plugins")
        return self._services.host.why(message_id, None if room is None else room_name(room))

    def plugins(self) -> list[Mapping[str, Any]]:
        waiting = self._services.notifier.waiting()
        lines = self._services.host.overview()
        return [{**line, "waiting": waiting.get(line["name"], 0)} for line in lines]

    async def switch_plugin(self, name: str, on: bool, *, by: User) -> None:
        await self._services.access.require(by, "server.plugins")
        reload = self._services.plugin_reload
        reload.later(reload.switch(name, on), partial(self._report, by))

    async def reload_plugins(self, *, by: User) -> None:
        await self._services.access.require(by, "server.plugins")
        reload = self._services.plugin_reload
        reload.later(reload.again(), partial(self._report, by))

    def _report(self, user: User, text: str, level: str) -> None:
        self._services.bus.publish(user_topic(user.id), wire.notice(text, None, level), ephemeral=True)

    # Gateways

    async def open_session(
        self, link: Link, format: Format, *, remote_ip: str, user: User | None = None, name: str | None = None,
        token: str | None = None,
    ) -> GatewaySession:  # fmt: skip
        return await self._open_session(
            self._plugin, link, format, user=user, name=name, token=token, remote_ip=remote_ip
        )

    # Moderation

    async def audit(
        self, action: str, *, by: User | None = None, user: User | None = None, room: Room | str | None = None,
        reason: str = "", until: float = 0.0, detail: str = "",
    ) -> None:  # fmt: skip
        where = None if room is None else self._here(room)
        name = f"{self._plugin}:{action}"
        await self._services.audit.note(
            name, by=by, target=user, room=where, reason=reason, until=until, detail=detail
        )

    async def kick(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.kick(
            self._here(room), user, by=await self._acting(by), minutes=minutes, reason=reason
        )

    async def mute(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.mute(
            self._here(room), user, by=await self._acting(by), minutes=minutes, reason=reason
        )

    async def unmute(self, room: Room | str, user: User, *, by: User | None = None) -> None:
        await self._services.moderation.unmute(self._here(room), user, by=await self._acting(by))

    async def ban(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.ban(
            self._here(room), user, by=await self._acting(by), minutes=minutes, reason=reason
        )

    async def unban(self, room: Room | str, user: User, *, by: User | None = None) -> None:
        await self._services.moderation.unban(self._here(room), user, by=await self._acting(by))

    async def server_kick(self, user: User, *, by: User | None = None, reason: str = "") -> None:
        await self._services.moderation.server_kick(user, by=await self._acting(by), reason=reason)

    async def server_mute(
        self, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.server_mute(
            user, by=await self._acting(by), minutes=minutes, reason=reason
        )

    async def server_unmute(self, user: User, *, by: User | None = None) -> None:
        await self._services.moderation.server_lift("mute", user, by=await self._acting(by))

    async def server_ban(
        self, user: User, *, by: User | None = None, minutes: float = 0, reason: str = "",
        address_minutes: float = 0,
    ) -> None:  # fmt: skip
        await self._services.moderation.server_ban(
            user, by=await self._acting(by), minutes=minutes, reason=reason, address_minutes=address_minutes
        )

    async def server_unban(self, user: User, *, by: User | None = None) -> None:
        await self._services.moderation.server_lift("ban", user, by=await self._acting(by))

    async def server_bans(self) -> list[Ban]:
        return await self._services.moderation.server_listed("ban")

    async def bans(self, room: Room | str) -> list[Ban]:
        return await self._services.moderation.bans(room_name(room))
