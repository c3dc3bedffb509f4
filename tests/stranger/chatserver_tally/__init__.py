"""Polls: a command, a vote, a result that all see grow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from chatserver import (
    Also,
    Draft,
    Event,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Route,
    User,
    command,
    hookimpl,
    settings,
)

from .results import ResultsHandler
from .tables import CLOSE, MIGRATIONS, VOTE, Poll
from .tables import Polls as Table
from .text import KIND, join, parse

CHECK_SECONDS = 1.0


@dataclass(frozen=True)
class Vote:
    """The wire request ``tally:vote``: ``poll`` is the id of its message, ``choice`` counts from 0."""

    poll: str
    choice: int


class Tally(Plugin):
    """Ask a room a question."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        max_choices: int = 10
        open_hours: float = 24

        def __post_init__(self):
            if self.max_choices < 2:
                raise ValueError("max_choices: two are the least")

    @hookimpl
    def startup(self):
        self.table = Table(self.db)
        self.every(CHECK_SECONDS, self.close_due)

    @hookimpl
    def register_permissions(self):
        return {"tally.open": "guest", "tally.close": "moderator"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("vote", Vote, self.vote)]

    @hookimpl
    def register_events(self):
        return ["voted", "closed"]

    @hookimpl
    def register_routes(self):
        return [Route("results/([0-9a-z]+)", ResultsHandler)]

    @hookimpl
    def client_settings(self, user: User):
        return {"max_choices": self.settings.max_choices}

    @command(permission="tally.open", examples=["/tally Lunch? | Pizza | Salad"])
    async def tally(self, ctx, *, text: Annotated[str, "question | choice | choice …"]):
        """Ask this room a question."""
        question, *choices = [" ".join(part.split()) for part in text.split("|")]
        if not question or not all(choices) or not 2 <= len(choices) <= self.settings.max_choices:
            limit = self.settings.max_choices
            raise Reject(
                f"A question and 2 to {limit} choices, with | between them.", "invalid", field="text"
            )
        if ctx.room is None:
            raise Reject("Ask in a room.", "invalid", field="room")
        await self.chat.post(ctx.room, join(question, choices), user=ctx.user, kind=KIND)

    @command(permission="tally.close")
    async def endtally(self, ctx):
        """Close this room's newest open poll."""
        newest = await self.table.newest_open(ctx.room.name) if ctx.room else None
        if newest is None:
            raise Reject("No poll is open here.", "not_found")
        await self.close(newest, by=ctx.user)

    @hookimpl(events=("message", "deleted"))
    def in_commit(self, tx, events: Sequence[Event]):
        for event in events:
            if event.type == "message" and event.message.kind == KIND:
                closes = event.ts + self.settings.open_hours * 3600
                self.table.open(tx, event.message, len(parse(event.message.content)[1]), closes)
            elif event.type == "deleted":
                self.table.end(tx, event.message_id)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        if message.kind == KIND:
            raise Reject("People have voted on this text. Delete the poll and ask again.")

    async def vote(self, ctx, fields: Vote):
        poll = await self.readable(fields.poll, ctx.user)
        if poll.closed:
            raise Reject("This poll is closed.", field="poll")
        if not 0 <= fields.choice < poll.choices:
            raise Reject("There is no such choice.", "invalid", field="choice")
        row = {"poll": poll.id, "user_id": ctx.user.id, "choice": fields.choice}
        data = {"poll": poll.id, "choice": fields.choice}
        await self.chat.append(poll.room, "voted", data, user=ctx.user, also=[Also(VOTE, row)])
        return {"counts": await self.table.counts(poll)}

    async def readable(self, poll_id: str, user: User) -> Poll:
        """A poll that ``user`` may see. Raises `Reject`."""
        poll = await self.table.get(poll_id)
        message = await self.chat.message(poll_id) if poll else None
        if message is None or not await self.chat.may_read(poll.room, user=user, seq=message.seq):
            raise Reject("There is no such poll.", "not_found", field="poll")
        return poll

    async def close_due(self) -> None:
        for poll in await self.table.due(time.time()):
            await self.close(poll, by=await self.chat.user(poll.user_id))

    async def close(self, poll: Poll, *, by: User) -> None:
        data = {"poll": poll.id, "counts": await self.table.counts(poll)}
        await self.chat.append(poll.room, "closed", data, user=by, also=[Also(CLOSE, {"poll": poll.id})])
