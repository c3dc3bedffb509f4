"""The tokens that stand for a user: of guests, sessions, one-time links. The database has their SHA-256 alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Collection

from ..config import Auth
from ..model.errors import Reject
from ..model.people import ID_CHARS, KeptToken
from ..model.values import Request, User
from ..store import Connection, Store
from ..store import accounts as people
from ..store import tokens as kept_tokens
from ..store.tokens import NewToken, TokenFacts

DAY = 86400.0
USED_SECONDS = 3600.0
"""A use is noted so long after the one before: reading must not mean writing."""
CLIENT_CHARS = 200
LINKS = ("setup", "reset")
"""The kinds of token that are no session: one-time links."""


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def new_token() -> str:
    """A secret with 256 bits."""
    return secrets.token_urlsafe(32)


class Tokens:
    """Makes tokens and looks them up. ``auth`` says how long each kind lives, and how many sessions a user has."""

    def __init__(self, store: Store, auth: Auth, clock: Callable[[], float]) -> None:
        self._store = store
        self._days = {"guest": auth.guest_days, "session": auth.session_days, "setup": 1.0, "reset": 1.0}
        self._most_days = auth.session_most_days
        self._most = auth.sessions_per_user
        self._clock = clock
        self._others: Callable[[str], Awaitable[TokenFacts | None]] | None = None
        self.connected: Callable[[str], Collection[str]] = lambda user_id: ()
        """Gives the tokens of a user's open connections."""

    def also(self, look_up: Callable[[str], Awaitable[TokenFacts | None]]) -> None:
        """Ask ``look_up`` of tokens that are not kept here."""
        self._others = look_up

    def made(self, token: str, user: User, kind: str, asked: Request | None = None) -> NewToken:
        """What is to be kept of a new ``token`` for ``user``, as ``asked`` for."""
        now = self._clock()
        ends = now + self._most_days * DAY if kind == "session" else None
        expires = now + self._days.get(kind, 1.0) * DAY
        return NewToken(
            hash=token_hash(token),
            user_id=user.id,
            kind=kind,
            created=now,
            expires=min(expires, ends) if ends is not None else expires,
            ends=ends,
            address=asked.remote_ip if asked is not None else None,
            client=asked.headers.get("user-agent", "")[:CLIENT_CHARS] or None if asked is not None else None,
        )

    async def issue(self, user: User, kind: str, asked: Request | None = None) -> str:
        """A new token for ``user``: ``guest``, ``session`` or that of a link. With too many sessions, those that were
        unused for the longest time end; an open connection is a use. Raises `Reject` for a bot."""
        refuse_bot(user)
        token = new_token()
        made = self.made(token, user, kind, asked)
        in_use = {made.hash, *map(token_hash, self.connected(user.id))}

        def add(conn: Connection) -> None:
            if kind == "session" and not people.is_active(conn, user.id):
                raise Reject("This account is disabled. Ask an admin.", "forbidden")
            if kind in LINKS:
                # The newest link of its kind alone is good.
                kept_tokens.drop(conn, user_id=user.id, kind=kind)
            kept_tokens.add(conn, made)
            if kind == "session":
                kept_tokens.keep_newest(conn, user.id, kind, self._most, made.created, in_use)

        await self._store.write(add)
        return token

    async def used(self, token: str) -> TokenFacts | None:
        """What a token says, unless it is unknown, has ended or is that of a link; using it keeps it alive."""
        hashed, now = token_hash(token), self._clock()
        found = await self._store.read(lambda conn: kept_tokens.facts(conn, hashed, now))
        if found is None and self._others is not None:
            return await self._others(token)
        if found is None or found.kind in (*LINKS, "jwt"):
            return None
        if now - found.used >= USED_SECONDS:
            # A token of the user's own making ends when it was told to.
            days = self._days.get(found.kind)
            expires = found.expires if days is None else now + days * DAY
            if found.ends is not None:
                expires = min(expires, found.ends)
            await self._store.write(lambda conn: kept_tokens.touch(conn, hashed, now, expires))
        return found

    async def ends(self, token: str) -> float | None:
        """When a token is good no more, whatever is done with it, in seconds since the epoch; None: that is open."""
        found = await self.used(token)
        return found.expires if found is not None and found.kind in ("api", "jwt") else None

    async def user_of(self, token: str) -> User | None:
        """Whose session this is, whether or not a guest's name is still theirs."""
        found = await self.used(token)
        return found.user if found is not None else None

    async def revoke(self, token: str) -> None:
        """End one session, or a JSON Web Token of this server. Raises `Reject` ``forbidden`` for a program's token."""
        found = await self.used(token)
        if found is not None and found.kind == "api":
            raise Reject("A program's token is ended by its owner, in a session.", "forbidden")
        if found is not None and found.hash is not None:
            hashed = found.hash
            await self._store.write(lambda conn: kept_tokens.drop(conn, hash=hashed))

    @staticmethod
    def id_of(token: str) -> str:
        """What the session with this token is called."""
        return token_hash(token)[:ID_CHARS]

    async def sessions(self, user: User) -> list[KeptToken]:
        """A user's sessions, the one used last first."""
        kind = "guest" if user.role == "guest" else "session"
        return await self._store.read(lambda conn: kept_tokens.of_user(conn, user.id, kind, self._clock()))

    async def end(self, user: User, session: str) -> None:
        """End the session with this id. Raises `Reject` ``not_found``."""
        found = [each.hash for each in await self.sessions(user) if each.id == session]
        if not found:
            raise Reject("There is no such session.", "not_found", field="id")
        await self._store.write(lambda conn: kept_tokens.drop(conn, hash=found[0]))

    async def end_all(self, user: User, but: str | None = None) -> int:
        """End all of a user's sessions, or all ``but`` the one of this token; how many there were."""
        kind = "guest" if user.role == "guest" else "session"
        kept = token_hash(but) if but is not None else None
        return await self._store.write(
            lambda conn: kept_tokens.drop(conn, user_id=user.id, kind=kind, but=kept)
        )

    async def known_addresses(self, user_id: str) -> set[str]:
        """From where the account has sessions."""
        kept = await self._store.read(
            lambda conn: kept_tokens.of_user(conn, user_id, "session", self._clock())
        )
        return {each.address for each in kept if each.address is not None}


def refuse_bot(user: User) -> None:
    """Raises `Reject` ``invalid`` for a plugin's bot."""
    if user.bot:
        raise Reject(f"{user.name} is a plugin's bot: no one can sign in as it.", "invalid", field="name")
