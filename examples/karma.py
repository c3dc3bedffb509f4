"""Points for things and people: ``tea++`` in any message gives one; ``/karma`` tells who has how many, and each
evening the rooms are told what got points that day."""

from collections import defaultdict
from functools import partial
from typing import Annotated

from chatserver import Also, Context, HearsContext, Plugin, Reject, command, hears, hookimpl, settings

ADD = """
INSERT INTO karma_points (thing, points) VALUES (:thing, 1)
ON CONFLICT (thing) DO UPDATE SET points = karma_points.points + 1
"""
ADD_TODAY = """
INSERT INTO karma_today (room, thing, points) VALUES (:room, :thing, 1)
ON CONFLICT (room, thing) DO UPDATE SET points = karma_today.points + 1
"""
TOLD = "UPDATE karma_today SET points = points - :points WHERE room = :room AND thing = :thing"
LIKE = "SELECT thing, points FROM karma_points WHERE thing LIKE :like ESCAPE '!' ORDER BY points DESC, thing LIMIT 25"


class Karma(Plugin):
    migrations = (
        "CREATE TABLE karma_points (thing VARCHAR(64) PRIMARY KEY, points INTEGER NOT NULL)",
        "CREATE TABLE karma_today (room VARCHAR(64) NOT NULL, thing VARCHAR(64) NOT NULL, points INTEGER NOT NULL,"
        " PRIMARY KEY (room, thing))",
    )

    @settings
    class Settings:
        longest: int = 64
        summary: str = "18:00"
        zone: str = "UTC"

        def __post_init__(self):
            if not 1 <= self.longest <= 64:
                raise ValueError("longest: from 1 to 64")

    @hookimpl
    def startup(self):
        self.daily(self.settings.summary, self.summarise, zone=self.settings.zone)

    async def summarise(self):
        """Tell each room what got points since the last time."""
        rooms = defaultdict(list)
        for row in await self.db.query(
            "SELECT * FROM karma_today WHERE points > 0 ORDER BY points DESC, thing"
        ):
            rooms[row["room"]].append(row)
        for room, rows in rooms.items():
            today = ", ".join(f"{row['thing']} {row['points']}" for row in rows[:25])
            # With the message, so that no point is told twice; those that came meanwhile stay for tomorrow.
            also = [Also(TOLD, dict(row)) for row in rows]
            try:
                await self.chat.post(room, f"Today's points: {today}", also=also)
            except Reject as refusal:
                self.log.info("%s has no summary: %s", room, refusal.message)

    @hears(r"([\pL\pN_-]+)\+\+")
    async def give(self, ctx: HearsContext):
        things = {match.group(1).lower() for match in ctx.matches}
        if ctx.user.name.lower() in things:
            raise Reject("You can't give points to yourself.")
        given = [thing for thing in sorted(things) if len(thing) <= self.settings.longest]
        for thing in given:
            await self.db.transaction(partial(self.add, ctx.room.name, thing))
        if given:
            await ctx.reply(", ".join([await self.told(thing) for thing in given]))

    def add(self, room: str, thing: str, tx):
        tx.execute(ADD, thing=thing)
        tx.execute(ADD_TODAY, room=room, thing=thing)

    async def things(self, ctx: Context, typed: str):
        like = "".join(f"!{char}" if char in "!%_" else char for char in typed.lower())
        return [(row["thing"], str(row["points"])) for row in await self.db.query(LIKE, like=f"{like}%")]

    @command(complete={"thing": things}, examples=["/karma tea"])
    async def karma(self, ctx: Context, thing: Annotated[str, "of what"]):
        """Show how many points a thing has."""
        return await self.told(thing.lower())

    @command("karma top", cooldown=5, examples=["/karma top 3"])
    async def top(self, ctx: Context, count: Annotated[int, "how many, 25 at most"] = 10):
        """Show what has the most points."""
        if not 1 <= count <= 25:
            raise Reject("From 1 to 25.", "invalid", field="count")
        rows = await self.db.query(LIKE, like="%")
        return (
            "\n".join(f"{row['thing']}: {row['points']}" for row in rows[:count]) or "Nothing has points yet."
        )

    async def told(self, thing: str) -> str:
        rows = await self.db.query("SELECT points FROM karma_points WHERE thing = :thing", thing=thing)
        return f"{thing}: {rows[0]['points'] if rows else 0}"
