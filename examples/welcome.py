"""A bot that greets those who join a room, and answers when it is addressed: ``@welcome rules``."""

from dataclasses import field

from chatserver import HearsContext, Plugin, Room, User, hears, hookimpl, settings


class Welcome(Plugin):
    @settings
    class Settings:
        greeting: str = "Welcome to {room}, {name}! Say @welcome help."
        answers: dict[str, str] = field(default_factory=dict)

        def __post_init__(self):
            try:
                self.greeting.format(room="", name="")
            except (KeyError, IndexError, ValueError, AttributeError):
                raise ValueError("greeting: only {room} and {name} are filled in") from None
            if taken := {word.lower() for word in self.answers} & {"who", "help"}:
                raise ValueError(f"answers: the bot has an answer of its own to {', '.join(sorted(taken))}")

    @hookimpl
    async def startup(self):
        self.answers = {word.lower(): text for word, text in self.settings.answers.items()}
        await self.bot(display_name="The doorman")

    @hookimpl
    async def after_join(self, user: User, room: Room):
        if not user.bot and room.kind != "direct":
            greeting = self.settings.greeting.format(room=room.title, name=user.display_name)
            await self.chat.post(room, greeting)

    # What bots say isn't heard, so that two of them can't talk for ever.
    @hears(r"(?:^|[^\pL\pN_])@welcome\b\s*([\pL\pN]*)", ignore_case=True)
    async def asked(self, ctx: HearsContext):
        members = [member.user.name for member in await self.chat.members(ctx.room)]
        if ctx.room.kind == "direct" and self.name not in members:
            return
        word = ctx.match.group(1).lower()
        if word == "who":
            here = [user.display_name for user in self.chat.online(ctx.room) if not user.bot]
            await ctx.reply(f"Here now: {', '.join(sorted(here))}")
        elif word in self.answers:
            await ctx.reply(self.answers[word])
        else:
            await ctx.reply(f"Ask me: {', '.join(f'@welcome {each}' for each in [*self.answers, 'who'])}")
