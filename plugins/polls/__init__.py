"""Polls: a question to a room, and counts that grow as people vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

from chatserver import (
    Draft,
    Event,
    EventTransaction,
    Field,
    Form,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Room,
    Transaction,
    User,
    command,
    hookimpl,
    job,
)

from .question import CHOICE_CHARS, MOST_CHOICES, QUESTION_CHARS, Question, numbers, parse, tidy
from .table import (
    DUE,
    MIGRATIONS,
    MINE,
    NEWEST,
    VOTES,
    Unchanged,
    begin,
    close,
    enter,
    forget,
    poll_of,
    vote,
)

KIND = "polls:poll"
LONGEST = timedelta(days=366)
TOLD = 100
"""How many voters of a choice are told."""
HOURS = {"Never": None, "In 10 minutes": 1 / 6, "In an hour": 1.0, "In a day": 24.0, "In a week": 168.0}

MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
OWN = "SELECT message_id, choice FROM polls_vote WHERE user_id = :user_id ORDER BY message_id, choice"


class Vote(msgspec.Struct):
    """The wire request ``polls:vote``: ``choices``, counted from 0, are all that the user has from then on."""

    message_id: MessageId
    choices: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_CHOICES)]


class Ask(msgspec.Struct):
    """The wire requests ``polls:votes`` and ``polls:close``."""

    message_id: MessageId


@dataclass
class Asked:
    """The form that ``/poll`` alone shows."""

    question: Annotated[str, Field("Question", max=QUESTION_CHARS)]
    choices: Annotated[
        str,
        Field("Choices, one in each line", multiline=True, max=MOST_CHOICES * (CHOICE_CHARS + 2)),
    ]
    closes: Annotated[
        Literal["Never", "In 10 minutes", "In an hour", "In a day", "In a week"], Field("Closes")
    ] = "Never"
    several: Annotated[bool, Field("One may take several choices")] = False
    anonymous: Annotated[bool, Field("Anonymous: it is not told who voted for what")] = False


FORM = Form("New poll", Asked, submit="Ask", seconds=1800)


class Polls(Plugin):
    """Ask a room, and see who is for what."""

    migrations = MIGRATIONS

    @hookimpl
    async def startup(self):
        # What was planned is there still, unless the server died between the poll and its plan.
        for row in await self.db.query(DUE):
            await self.at(row["closes"], "close_due", row["message_id"], id=row["message_id"])

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OWN, user_id=user.id)
        return [{"type": "vote", **row} for row in rows]

    @hookimpl
    def register_permissions(self):
        return {"polls.open": "guest", "polls.vote": "guest", "polls.close": "moderator"}

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("vote", Vote, self.answer_vote),
            RequestSpec("votes", Ask, self.votes),
            RequestSpec("close", Ask, self.answer_close),
        ]

    @hookimpl
    def register_events(self):
        return ["voted", "closed"]

    @hookimpl(events=("deleted",))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        for event in events:
            if event.message_id is not None and event.before is not None and event.before.kind == KIND:
                forget(tx, event.message_id)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        if message.kind == KIND:
            raise Reject("A poll can't be edited, as people vote on its text. Delete it and ask again.")

    # Asking

    @command(
        permission="polls.open",
        examples=['/poll "Lunch?" pizza "pad thai"', '/poll 2h "When?" Monday Tuesday Friday --several'],
    )
    async def poll(
        self,
        ctx,
        time: Annotated[timedelta | None, "after which it closes"] = None,
        *,
        text: Annotated[str, '"question" choice "another choice" … --several --anonymous'] = "",
    ):
        """Ask this room a question."""
        room = ctx.here()
        if text:
            question = parse(text)
        else:
            await self.chat.may_post(room, user=ctx.user)
            asked = await ctx.ask(FORM)
            question = read(asked)
            hours = HOURS[asked.closes]
            time = time or (None if hours is None else timedelta(hours=hours))
        if time is not None and time > LONGEST:
            raise Reject("A poll closes within a year.", "invalid", field="time")
        await self.open(ctx.user, room, question, time)

    async def open(self, user: User, room: Room, question: Question, time: timedelta | None) -> None:
        """Post a poll. Raises `Reject`."""
        opened = self.now()
        closes = None if time is None else opened + time.total_seconds()

        def write(tx: EventTransaction) -> None:
            assert tx.posted is not None
            enter(tx, tx.posted, room.name, user.id, opened, closes)

        extra = begin(question, closes)
        message = await self.chat.post(room, question.content, user=user, kind=KIND, extra=extra, also=write)
        if closes is not None:
            await self.at(closes, "close_due", message.id, id=message.id)

    # Voting

    async def answer_vote(self, ctx, fields: Vote) -> dict[str, Any]:
        return await self.vote(ctx.user, fields.message_id, fields.choices)

    async def vote(self, user: User, message_id: str, choices: Sequence[int]) -> dict[str, Any]:
        """Make these the user's choices. Raises `Reject`."""
        message = await self.chat.message_for(user, message_id)
        poll = poll_of(message)
        if not await self.chat.may(user, "polls.vote", await self.chat.room(message.room)):
            raise Reject("You may not vote here.", "forbidden")
        wanted, now = sorted(set(choices)), self.now()
        try:
            event = await self.chat.append(
                message.room,
                "voted",
                {} if poll["anonymous"] else {"choices": wanted},
                # An anonymous vote is told as a change of the poll.
                user=message.user if poll["anonymous"] else user,
                also=lambda tx: vote(tx, message_id, user.id, wanted, now),
                as_message=user,
            )
        except Unchanged:
            return {}
        self.chat.publish_to(user, "mine", {"message_id": message_id, "choices": wanted})
        return {"seq": event.seq}

    async def votes(self, ctx, fields: Ask) -> dict[str, Any]:
        poll = poll_of(await self.chat.message_for(ctx.user, fields.message_id))
        mine = await self.db.query(MINE, message_id=fields.message_id, user_id=ctx.user.id)
        users: list[list[dict[str, Any]]] = [[] for _ in poll["choices"]]
        if not poll["anonymous"]:
            for row in await self.db.query(VOTES, message_id=fields.message_id):
                if len(users[row["choice"]]) < TOLD:
                    users[row["choice"]] += await self.person(row["user_id"])
        return {"mine": [row["choice"] for row in mine], "users": users}

    async def person(self, user_id: str) -> list[dict[str, Any]]:
        """A user as others see one; none where a guest is gone."""
        try:
            return [(await self.chat.user(user_id)).public()]
        except Reject:
            return []

    @command("vote", permission="polls.vote", examples=["/vote 2", "/vote 1 3", "/vote none"])
    async def vote_by_number(self, ctx, *, choices: Annotated[str, "numbers, or none"]):
        """Vote in this room's newest poll, by the numbers of your choices."""
        message = await self.newest(ctx)
        texts = [each["text"] for each in poll_of(message)["choices"]]
        wanted = [] if choices.strip().lower() == "none" else numbers(choices, len(texts))
        await self.vote(ctx.user, message.id, wanted)
        chosen = ", ".join(texts[at] for at in sorted(set(wanted)))
        return f"You voted for: {chosen}" if chosen else "You have taken your vote back."

    async def newest(self, ctx) -> Message:
        """The newest open poll of the caller's room. Raises `Reject` ``not_found``."""
        for row in await self.db.query(NEWEST, room=ctx.here().name):
            return await self.chat.message_for(ctx.user, row["message_id"])
        raise Reject("No poll is open here.", "not_found")

    # Closing

    @command("endpoll", examples=["/endpoll"])
    async def end(self, ctx):
        """Close this room's newest poll: your own, or with a permission any."""
        await self.close(ctx.user, (await self.newest(ctx)).id)

    async def answer_close(self, ctx, fields: Ask) -> dict[str, Any]:
        return await self.close(ctx.user, fields.message_id)

    async def close(self, user: User, message_id: str) -> dict[str, Any]:
        """Close a poll as a user who asked it, or who may close any. Raises `Reject`."""
        message = await self.chat.message_for(user, message_id)
        poll_of(message)
        own = message.user.id == user.id
        if not own and not await self.chat.may(user, "polls.close", await self.chat.room(message.room)):
            raise Reject("Only who asked, and moderators, close a poll.", "forbidden")
        return await self.end_poll(message, user, as_message=True)

    async def end_poll(self, message: Message, user: User, as_message: bool) -> dict[str, Any]:
        try:
            event = await self.chat.append(
                message.room,
                "closed",
                {},
                user=user,
                also=lambda tx: close(tx, message.id),
                as_message=as_message,
            )
        except Unchanged:
            return {}
        await self.cancel_job(message.id)
        return {"seq": event.seq}

    @job
    async def close_due(self, message_id: str):
        """Close a poll whose time is over; one that is deleted or closed is left as it is."""
        message = await self.chat.message(message_id)
        if message is not None and not message.deleted and self.here(message.room):
            await self.end_poll(message, message.user, as_message=False)


def read(asked: Asked) -> Question:
    """What was filled into the form. Raises `Reject` ``invalid``."""
    lines = [tidy(line) for line in asked.choices.splitlines()]
    return Question(tidy(asked.question), tuple(filter(None, lines)), asked.several, asked.anonymous)
