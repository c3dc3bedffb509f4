"""A few threads that read, each with a connection of its own, beside the writer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine

from .database import discard
from .failures import reason
from .reasons import UNREACHABLE

T = TypeVar("T")

THREADS = 3


class ReaderPool:
    """Runs queries off the loop. Each sees what was committed when it began."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._local = threading.local()
        self._open: list[Connection] = []
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reader")

    async def run(self, query: Callable[[Connection], T]) -> T:
        """Run ``query(connection)`` in a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._query, query)

    def _query(self, query: Callable[[Connection], T]) -> T:
        conn: Connection | None = getattr(self._local, "conn", None)
        if conn is not None:
            try:
                with conn.begin():
                    return query(conn)
            except Exception as error:
                if reason(error) != UNREACHABLE:
                    raise
            # Lost since the last query: one that only reads may run once more.
            self._local.conn = None
            self._open.remove(conn)
            discard(conn)
        conn = self._local.conn = self._engine.connect()
        self._open.append(conn)
        with conn.begin():
            return query(conn)

    def stop(self) -> None:
        """End the threads; blocks until the running queries have."""
        self._pool.shutdown()
        for conn in self._open:
            conn.close()
