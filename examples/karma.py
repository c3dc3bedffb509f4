"""Points for things and people: ``tea++`` in any message gives one; ``/karma`` tells who has how many."""

from typing import Annotated

from chatserver import Context, HearsContext, Plugin, Reject, command, hears, settings

ADD = """
INSERT INTO karma_points (thing, points) VALUES (:thing, 1)
ON CONFLICT (thing) DO UPDATE SET points = karma_points.points + 1
"""
LIKE = "SELECT thing, points FROM karma_points WHERE thing LIKE :like ESCAPE '!' ORDER BY points DESC, thing LIMIT 25"


class Karma(Plugin):
    migrations = ("CREATE TABLE karma_points (thing VARCHAR(64) PRIMARY KEY, points INTEGER NOT NULL)",)

    @settings
    class Settings:
        longest: int = 64

        def __post_init__(self):
            if not 1 <= self.longest <= 64:
                raise ValueError("longest: from 1 to 64")

    @hears(r"([\pL\pN_-]+)\+\+")
    async def give(self, ctx: HearsContext):
        things = {match.group(1).lower() for match in ctx.matches}
        if ctx.user.name.lower() in things:
            raise Reject("You can't give points to yourself.")
        given = [thing for thing in sorted(things) if len(thing) <= self.settings.longest]
        for thing in given:
            await self.db.execute(ADD, thing=thing)
        if given:
            await ctx.reply(", ".join([await self.told(thing) for thing in given]))

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
