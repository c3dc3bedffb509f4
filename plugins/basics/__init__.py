"""The usual commands of a chat: rooms, names, direct messages and status."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from chatserver import Plugin, Reject, Room, User, command

from .describe import describe, overview
from .overrides import overrides_told, permitted
from .plugin_list import plugin_list

LISTED = 100
SHRUG = "¯\\_(ツ)_/¯"


class Basics(Plugin):
    """Rooms, names and small talk."""

    def commands_named(self, ctx, typed: str):
        known = self.chat.commands(ctx.user)
        return [(entry["name"], entry["help"]) for entry in known if typed.lower() in entry["name"]]

    @command(aliases=["?"], examples=["/help", "/help msg"], complete={"command": commands_named})
    async def help(self, ctx, *, command: Annotated[str, "which one"] = ""):
        """List the commands, or explain one of them."""
        known = self.chat.commands(ctx.user)
        return describe(known, command) if command else overview(known)

    @command(permission="message.post", examples=["/me waves"])
    async def me(self, ctx, *, action: str):
        """Say what you are doing: "/me waves" shows as "alice waves"."""
        await self.chat.post(ctx.here(), action, user=ctx.user, kind="action")

    @command(permission="message.post", examples=["/shrug", "/shrug who knows"])
    async def shrug(self, ctx, *, text: str = ""):
        r"""Post your text with a ¯\_(ツ)_/¯ after it."""
        await self.chat.post(ctx.here(), f"{text} {SHRUG}".strip(), user=ctx.user)

    @command(permission="direct.start", examples=["/msg bob hello there"])
    async def msg(self, ctx, user: User, *, text: str):
        """Send a direct message."""
        await self.chat.post_direct(user, text, user=ctx.user)
        return f"Sent to {user.name}."

    @command(permission="user.rename", examples=["/nick ally"])
    async def nick(self, ctx, name: str):
        """Change your name."""
        user = await self.chat.rename(ctx.user, name)
        return f"You are {user.display_name} now."

    @command(permission="user.status", examples=["/away", "/away having lunch"])
    async def away(self, ctx, *, text: Annotated[str, "why, shown beside your name"] = ""):
        """Show that you are away; once more without a text: that you are back."""
        if not text and self.chat.status(ctx.user) == "away":
            await self.chat.set_status(ctx.user, "online", "")
            return "Welcome back."
        await self.chat.set_status(ctx.user, "away", text)
        return "You are shown as away."

    @command(permission="user.status", examples=["/status", "/status 2h in a meeting", "/status -"])
    async def status(
        self,
        ctx,
        time: Annotated[timedelta | None, "for how long"] = None,
        *,
        text: Annotated[str, "what others see beside your name, or - for nothing"] = "",
    ):
        """Show your status text, or change it, for a time if you like."""
        if not text:
            said = self.chat.profile(ctx.user).status_text
            return f"Others see: {said}" if said else "You have no status text."
        until = self.now() + time.total_seconds() if time is not None and text != "-" else 0.0
        await self.chat.set_status(ctx.user, text="" if text == "-" else text, until=until)
        return "Your status text is gone." if text == "-" else "Others see it beside your name."

    @command(permission="room.join", examples=["/join #general"])
    async def join(self, ctx, room: Room):
        """Join a room."""
        joined = await self.chat.join(room, user=ctx.user)
        return f"You are in #{joined.name} now."

    @command(examples=["/leave", "/leave #general"])
    async def leave(self, ctx, room: Room | None = None):
        """Leave this room, or another."""
        room = room or ctx.here()
        await self.chat.leave(room, user=ctx.user)
        return f"You left {room.title or '#' + room.name}."

    @command(permission="room.join", examples=["/rooms"])
    async def rooms(self, ctx):
        """List the rooms you are in, and the public ones."""
        rooms = [room for room in await self.chat.rooms(user=ctx.user) if room.kind != "direct"]
        return (
            "\n".join(f"#{room.name}" + (f" – {room.topic}" if room.topic else "") for room in rooms)
            or "No rooms."
        )

    @command(examples=["/who", "/who #general"])
    async def who(self, ctx, room: Room | None = None):
        """List who is in this room right now, or in another."""
        room = room or ctx.here()
        if not await self.chat.may_read(room.name, user=ctx.user):
            raise Reject(f"You are not in #{room.name}.", "not_member", field="room")
        people = sorted(self.chat.online(room), key=lambda user: user.name.casefold())
        more = f" and {len(people) - LISTED} more" if len(people) > LISTED else ""
        return f"{len(people)} here: " + ", ".join(self._with_status(user) for user in people[:LISTED]) + more

    @command(examples=["/topic", "/topic Tea at four", "/topic -"])
    async def topic(self, ctx, *, text: Annotated[str, "the new one, or - for none"] = ""):
        """Show this room's topic, or change it."""
        room = ctx.here()
        if not text:
            return room.topic or "This room has no topic."
        await self.chat.change_room(room, topic="" if text == "-" else text, by=ctx.user)
        return None

    @command(examples=["/keep", "/keep 30", "/keep 0"])
    async def keep(self, ctx, days: Annotated[int | None, "0: as long as the server's settings say"] = None):
        """Show for how many days this room keeps messages, or change it: older ones are removed for good."""
        room = ctx.here()
        if days is not None:
            room = await self.chat.change_room(room, keep_days=days, by=ctx.user)
        if not room.keep_days:
            return "Messages are kept here for as long as the server's settings say."
        return f"Messages are removed here after {room.keep_days} day{'' if room.keep_days == 1 else 's'}."

    @command(
        examples=[
            "/permit",
            "/permit guest message.post no",
            "/permit member room.invite yes",
            "/permit guest",
        ]
    )
    async def permit(
        self,
        ctx,
        role: Annotated[str, "a role of the server"] = "",
        permission: Annotated[str, "such as message.post"] = "",
        answer: Annotated[Literal["yes", "no"] | None, "nothing: as elsewhere"] = None,
    ):
        """Show what roles may and may not do in this room in particular, or change it."""
        room = ctx.here()
        if permission or answer:
            changed = permitted(room.permissions, role, permission, answer)
            room = await self.chat.change_room(room, permissions=changed, by=ctx.user)
        return overrides_told(room.permissions, role)

    @command(permission="room.invite", examples=["/invite bob"])
    async def invite(self, ctx, user: User, room: Room | None = None):
        """Add a user to this room, or to another."""
        room = room or ctx.here()
        added = await self.chat.invite(room, user, by=ctx.user)
        return f"{user.name} was {'invited' if added else 'asked to come'} to #{room.name}."

    @command(examples=["/role bob moderator", "/role bob owner"])
    async def role(self, ctx, user: User, role: Literal["member", "moderator", "owner"]):
        """Give a member another role in this room, or step down yourself."""
        await self.chat.set_room_role(ctx.here(), user, role, by=ctx.user)
        return f"{user.name} is {'an' if role == 'owner' else 'a'} {role} of #{ctx.here().name} now."

    @command(examples=["/block bob"])
    async def block(self, ctx, user: User):
        """Hear nothing of a person any more; they are not told."""
        await self.chat.block(ctx.user, user)
        return f"You hear nothing of {user.name} any more. /unblock {user.name} takes it back."

    @command(examples=["/unblock bob"])
    async def unblock(self, ctx, user: User):
        """Hear of a blocked person again."""
        await self.chat.block(ctx.user, user, False)
        return f"You hear of {user.name} again."

    @command(examples=["/blocked"])
    async def blocked(self, ctx):
        """List whom you have blocked."""
        return (
            "\n".join(user.name for user in await self.chat.blocked(ctx.user)) or "You have blocked no one."
        )

    @command(
        permission="server.plugins",
        examples=["/plugins", "/plugins off emoji", "/plugins reload", "/plugins why"],
    )
    async def plugins(
        self,
        ctx,
        action: Annotated[
            Literal["on", "off", "reload", "why"] | None, "what to do; nothing: list them"
        ] = None,
        name: Annotated[
            str, "which one, for on and off; for why a message, without it this room's newest"
        ] = "",
    ):
        """List the plugins, switch one on or off, or read the settings again.

        why tells what each plugin changed of a message, refused, and how long it took.
        """
        if action is None:
            plugins = self.chat.plugins()
            peers = [peer for each in plugins if (peer := self.peer(each["name"])) is not None]
            return plugin_list(plugins, {peer.name: await peer.following() for peer in peers})
        if action == "why":
            return await self.chat.why(name or None, room=None if name else ctx.room, by=ctx.user)
        if (action == "reload") == bool(name):
            raise Reject("Name a plugin for on and off, and none for reload.", "invalid", field="name")
        if action == "reload":
            await self.chat.reload_plugins(by=ctx.user)
        elif name == self.name:
            raise Reject(f"{name} has this command: it can't be switched off by it.", "invalid", field="name")
        else:
            await self.chat.switch_plugin(name, action == "on", by=ctx.user)
        return None

    def _with_status(self, user: User) -> str:
        status = self.chat.status(user)
        return f"{user.name} ({status})" if status in ("away", "busy") else user.name
