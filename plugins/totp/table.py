"""What is kept of each user's second step: the secret, the last code's step, and hashes of the recovery codes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from chatserver import Transaction

MIGRATIONS = (
    """
    CREATE TABLE totp_secret (
        user_id VARCHAR(64) NOT NULL PRIMARY KEY, secret VARCHAR(64) NOT NULL, is_on INTEGER NOT NULL,
        last_step BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE totp_recovery (
        user_id VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL, PRIMARY KEY (user_id, hash)
    )
    """,
)


class Secret(NamedTuple):
    """A user's secret, whether it counts, and the step of the last code that was used."""

    secret: str
    on: bool
    last_step: int


class Table:
    """The queries and changes."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def secret(self, user_id: str) -> Secret | None:
        """The user's secret, on or not."""
        rows = await self._db.query(
            "SELECT secret, is_on, last_step FROM totp_secret WHERE user_id = :user", user=user_id
        )
        return Secret(rows[0]["secret"], bool(rows[0]["is_on"]), rows[0]["last_step"]) if rows else None

    async def is_on(self, user_id: str) -> bool:
        """Whether the user is asked for a code."""
        found = await self.secret(user_id)
        return found is not None and found.on

    async def recovery_codes_left(self, user_id: str) -> int:
        """How many of them are good yet."""
        rows = await self._db.query("SELECT hash FROM totp_recovery WHERE user_id = :user", user=user_id)
        return len(rows)

    async def begin(self, user_id: str, secret: str) -> None:
        """Keep a secret that doesn't count yet; one that does is left alone."""

        def work(tx: Transaction) -> None:
            tx.execute("DELETE FROM totp_secret WHERE user_id = :user AND is_on = 0", user=user_id)
            if not tx.execute("SELECT user_id FROM totp_secret WHERE user_id = :user", user=user_id):
                tx.execute(
                    "INSERT INTO totp_secret (user_id, secret, is_on, last_step) VALUES (:user, :secret, 0, 0)",
                    user=user_id,
                    secret=secret,
                )

        await self._db.transaction(work)

    async def switch_on(self, user_id: str, step: int, recovery: Sequence[str]) -> None:
        """Let the secret count, with recovery codes."""

        def work(tx: Transaction) -> None:
            tx.execute(
                "UPDATE totp_secret SET is_on = 1, last_step = :step WHERE user_id = :user",
                user=user_id,
                step=step,
            )
            tx.execute("DELETE FROM totp_recovery WHERE user_id = :user", user=user_id)
            for code in recovery:
                tx.execute(
                    "INSERT INTO totp_recovery (user_id, hash) VALUES (:user, :hash)",
                    user=user_id,
                    hash=_hash(code),
                )

        await self._db.transaction(work)

    async def switch_off(self, user_id: str) -> None:
        """Forget all of it."""

        def work(tx: Transaction) -> None:
            tx.execute("DELETE FROM totp_secret WHERE user_id = :user", user=user_id)
            tx.execute("DELETE FROM totp_recovery WHERE user_id = :user", user=user_id)

        await self._db.transaction(work)

    async def use_step(self, user_id: str, step: int) -> bool:
        """Note that the code of this step was used; False if it, or a later one, was already."""

        def work(tx: Transaction) -> bool:
            rows = tx.execute("SELECT last_step FROM totp_secret WHERE user_id = :user", user=user_id)
            if not rows or rows[0]["last_step"] >= step:
                return False
            tx.execute(
                "UPDATE totp_secret SET last_step = :step WHERE user_id = :user", user=user_id, step=step
            )
            return True

        return bool(await self._db.transaction(work))

    async def use_recovery_code(self, user_id: str, code: str) -> bool:
        """Use one up; False if it is none, or was used."""
        named = {"user": user_id, "hash": _hash(code)}

        def work(tx: Transaction) -> bool:
            where = "WHERE user_id = :user AND hash = :hash"
            if not tx.execute(f"SELECT hash FROM totp_recovery {where}", **named):
                return False
            tx.execute(f"DELETE FROM totp_recovery {where}", **named)
            return True

        return bool(await self._db.transaction(work))


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()
