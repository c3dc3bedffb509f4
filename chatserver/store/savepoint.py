"""A part of a transaction that can be undone by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection


class Aborted(Exception):
    """The database undid the whole transaction by itself, as SQLite may when the disk is full or fails.

    What ran before in the same transaction is gone too: a caller that catches this must not commit.
    """


@contextmanager
def savepoint(conn: Connection) -> Iterator[None]:
    """Undo what is done inside when it fails. Raises what is raised inside, or `Aborted`.

    By hand, as SQLAlchemy's own compiles its three statements anew each time.
    """
    cursor = conn.connection.cursor()
    cursor.execute("SAVEPOINT work")
    try:
        yield
        # Fails where what is inside has passed over an error of the database, which PostgreSQL does not.
        cursor.execute("RELEASE SAVEPOINT work")
    except BaseException as error:
        try:
            cursor.execute("ROLLBACK TO SAVEPOINT work")
            cursor.execute("RELEASE SAVEPOINT work")
        except Exception:
            raise Aborted(f"the database gave up the transaction: {error}") from error
        raise


ERRORS_UNDO_ALL = "errors_undo_all"
"""An execution option of engines whose database takes no more statements in a transaction after one that failed."""


def shielded(conn: Connection) -> AbstractContextManager[None]:
    """For a statement whose error may be passed over: a `savepoint`, where it would end the transaction."""
    return savepoint(conn) if conn.get_execution_options().get(ERRORS_UNDO_ALL) else nullcontext()
