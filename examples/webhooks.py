"""Webhooks: what is said in some rooms goes out to other servers, and other servers say something in rooms.

Out: each message, edit and deletion is sent at least once, in order, signed.
In: ``POST /plugins/webhooks/in/ROOM?secret=SECRET`` with JSON, as `Incoming`.
"""

import hashlib
import hmac
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import partial

from chatserver import FetchError, Handler, Plugin, Reject, Route, hookimpl, settings

NOTE = "INSERT INTO webhooks_out VALUES (:room, :seq, :body, 0, 0)"
NEXT = "SELECT * FROM webhooks_out WHERE room = :room ORDER BY seq LIMIT 1"
DONE = "DELETE FROM webhooks_out WHERE room = :room AND seq = :seq"
LATER = "UPDATE webhooks_out SET tries = tries + 1, due = :due WHERE room = :room AND seq = :seq"
LONGEST = 3600
"""Seconds between two tries, at most."""


@dataclass(frozen=True)
class Incoming:
    """What another server sends. The same ``id`` again posts nothing new."""

    text: str
    name: str | None = None
    id: str | None = None


class In(Handler):
    async def post(self, room: str) -> None:
        # In the query, as the log has the paths of what is refused.
        self.plugin.require(room, self.get_query_argument("secret", ""))
        self.reply({"message_id": await self.plugin.come_in(room, self.body(Incoming))})


class Webhooks(Plugin):
    migrations = (
        "CREATE TABLE webhooks_out (room VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,"
        " tries INTEGER NOT NULL, due DOUBLE PRECISION NOT NULL, PRIMARY KEY (room, seq))",
    )

    @settings
    class Settings:
        out: dict[str, str] = field(default_factory=dict)  # room: address
        secret: str = ""  # signs what goes out
        incoming: dict[str, str] = field(default_factory=dict)  # room: secret
        a_minute: int = 30  # messages that come in, for each room

        def __post_init__(self):
            if self.out and len(self.secret) < 16:
                raise ValueError("secret: 16 characters at least, to sign what goes out")
            for room, url in self.out.items():
                if not url.startswith(("http://", "https://")):
                    raise ValueError(f"out: the address for {room} begins with http:// or https://")
            for room, secret in self.incoming.items():
                if len(secret) < 16 or not secret.isalnum() or not secret.isascii():
                    raise ValueError(f"incoming: the secret of {room} has 16 letters and digits at least")
            if self.a_minute < 1:
                raise ValueError("a_minute: 1 at least")

    @hookimpl
    def register_routes(self):
        return [Route(r"in/([^/]+)", In)]

    @hookimpl
    async def startup(self):
        self.came = defaultdict(deque)  # by room: when
        self.follow(self.note, since="now", events=["message", "edited", "deleted"])
        for row in await self.db.query("SELECT DISTINCT room FROM webhooks_out"):
            if row["room"] not in self.settings.out:
                await self.db.execute("DELETE FROM webhooks_out WHERE room = :room", room=row["room"])
        # One job for each room, so that no server waits for another one.
        for room, url in self.settings.out.items():
            self.every(1, partial(self.deliver, room, url))

    # Out: noted in the transaction that moves the place in the log, sent by the job.

    def note(self, tx, events):
        for event in events:
            message = event.message
            if event.room in self.settings.out and (message is None or message.plugin != self.name):
                body = {"type": event.type, "room": event.room, "seq": event.seq, "ts": event.ts}
                body |= {"user": event.user.name, "message_id": event.message_id}
                if message is not None and not message.deleted:
                    body |= {"text": message.content}
                tx.execute(NOTE, room=event.room, seq=event.seq, body=json.dumps(body))

    async def deliver(self, room: str, url: str):
        """Send what is due, in order, until nothing is left, or it fails."""
        while rows := await self.db.query(NEXT, room=room):
            (row,) = rows
            if row["due"] > self.now() or not await self.sent(url, row):
                return
            # Only now: after a crash before it is sent again, and the receiver knows it by room and seq.
            await self.db.execute(DONE, room=room, seq=row["seq"])

    async def sent(self, url: str, row) -> bool:
        body = row["body"].encode()
        signature = hmac.new(self.settings.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
        try:
            answer = await self.http.post(
                self.settings.out[row["room"]], body=body, headers=headers, timeout=10
            )
            why = f"it answers {answer.status}"
        except (FetchError, ValueError) as error:
            answer, why = None, str(error)
        if answer is not None and answer.ok:
            return True
        if row["tries"] == 0:
            self.log.warning("the webhook of %s fails: %s; it is tried again and again", row["room"], why)
        due = self.now() + min(LONGEST, 2 ** min(row["tries"], 20))
        await self.db.execute(LATER, room=row["room"], seq=row["seq"], due=due)
        return False

    # In

    async def come_in(self, room: str, incoming: Incoming) -> str:
        self.count(room)
        message = await self.chat.post(room, incoming.text, display_name=incoming.name, nonce=incoming.id)
        return message.id

    def require(self, room: str, secret: str) -> None:
        """Raises `Reject` for another secret than the room's, and for a room without one alike."""
        own = self.settings.incoming.get(room, "")
        if not own or not hmac.compare_digest(own.encode(), secret.encode()):
            raise Reject("There is no such webhook.", "not_found")

    def count(self, room: str) -> None:
        """Raises `Reject` for more than so many in the last minute."""
        came, now = self.came[room], self.now()
        while came and came[0] <= now - 60:
            came.popleft()
        if len(came) >= self.settings.a_minute:
            wait = came[0] + 60 - now
            raise Reject("Too many messages in a minute.", "rate_limited", retry_after=wait)
        came.append(now)
