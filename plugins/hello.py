"""A whole plugin: one command and one hook."""

from chatserver import Plugin, Room, User, command, hookimpl


class Hello(Plugin):
    @command()
    async def hello(self, ctx):
        """Be greeted."""
        return f"Hello, {ctx.user.display_name}!"

    @hookimpl
    def after_join(self, user: User, room: Room):
        self.chat.notice(user, f"Welcome to {room.title or room.name}. Say /hello!", room=room)
