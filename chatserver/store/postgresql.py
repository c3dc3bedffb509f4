"""PostgreSQL: a database that a server of its own keeps, for any number of ours."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from ..model.errors import ConfigError
from .database import Use
from .failures import reason
from .postgresql_errors import REFUSED, is_refusal
from .postgresql_writer import PostgresqlWriter, begin_writing
from .reasons import UNREACHABLE
from .revisions import REVISION, lacking, revision_of
from .savepoint import ERRORS_UNDO_ALL
from .schema import metadata

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise ConfigError(
        f"PostgreSQL needs its driver: pip install 'chatserver[postgresql]' ({error})", path="store.url"
    ) from error

log = logging.getLogger(__name__)

OLDEST = 14
"""The oldest version of PostgreSQL that is good enough."""
STATEMENT_SECONDS = 30
"""How long one statement may take."""
_LOCK = 0x63686174
"""Of the advisory locks of a database, the one for who makes or changes the tables."""
_IN_USE = _LOCK + 1
"""The one that servers share, and that a command has for itself."""
_OTHERS = _LOCK + 2
"""The one that servers share which hear of each other, and that a server which hears of none has for itself."""
OTHER_SECONDS = 5.0
"""The server that was here before may be about to end."""
ANOTHER = "another server uses it, and they would not hear of each other: give all of them the same bus.url"
LOCK_SECONDS = 1.0
"""PostgreSQL ends a connection, and with it its locks, a moment after it was closed."""
_DEFAULTS: dict[str, Any] = {
    "application_name": "chatserver",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    # What is cut without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""What the URL may say otherwise: https://www.postgresql.org/docs/current/libpq-connect.html"""
_BEGIN_READING = (
    f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"
)


class Postgresql:
    """A database of PostgreSQL. Its user, password and so on come from the URL, or where libpq looks for them."""

    unready = UNREACHABLE

    def __init__(self, url: str, data_dir: Path, durability: str) -> None:
        self._data_dir = data_dir
        self._use: Use = "beside"
        self._holding: psycopg.Connection[Any] | None = None
        try:
            wanted = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigError(f"is no address of PostgreSQL: {error}", path="store.url") from error
        self.name = _name(wanted)
        self._options: dict[str, Any] = {**_DEFAULTS, **wanted}
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            poolclass=NullPool,
            use_native_hstore=False,
            # Each place of a parameter has a type of its own then, as in SQLite.
            paramstyle="format",
            # A connection is kept open by its thread, and statements are compiled once by themselves.
            execution_options={ERRORS_UNDO_ALL: True},
        )
        begin = begin_writing(durability, STATEMENT_SECONDS)

        def began(connection: Connection) -> None:
            if connection.get_execution_options().get("reading"):
                connection.connection.cursor().execute(_BEGIN_READING, prepare=False)  # type: ignore[call-arg]
            else:
                begin(connection)

        event.listen(engine, "begin", began)
        self.engine = engine
        self.readers: Engine | None = engine.execution_options(reading=True)

    def _connect(self) -> psycopg.Connection[Any]:
        conn = psycopg.connect(autocommit=True, **self._options)
        try:
            version = conn.info.server_version // 10_000
            if version < OLDEST:
                raise self._error(f"is PostgreSQL {version}; it has to be {OLDEST} or newer")
            (pid,) = conn.execute("SELECT pg_backend_pid()").fetchone() or (None,)
            if pid != conn.info.backend_pid:
                # A pooler, such as PgBouncer, may give each transaction another connection: no lock would last.
                conn.prepare_threshold = None
                if self._use in ("alone", "target"):
                    raise self._error(
                        "is reached through a pooler (PgBouncer), where no command can have it for itself:"
                        " name PostgreSQL's own address (CHATSERVER_STORE__URL=… before the command)"
                    )
            elif self._use in ("server", "only"):
                self._lock(
                    conn,
                    "pg_try_advisory_lock_shared",
                    _IN_USE,
                    "a command is changing it: wait until it is done",
                )
            return conn
        except BaseException:
            conn.close()
            raise

    def absent(self) -> bool:
        with self.engine.connect() as conn:
            return revision_of(conn) is None

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        pause = 0.25
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                left = until - time.monotonic()
                if left <= 0 or is_refusal(_first_line(error)):
                    raise self.unopened(error) from error
                log.warning("Waiting for the database %s: %s", self.name, _first_line(error))
            time.sleep(min(pause, left))
            pause = min(pause * 2, 5.0)

    def claim(self, use: Use) -> None:
        self._use = use
        if use == "beside":
            return
        try:
            # For the control socket, and what plugins keep.
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"can't make the folder: {error}", path="data_dir") from error
        # Held from now on; what connects later shares it, should this one be lost.
        try:
            self._holding = self._connect()
        except psycopg.Error as error:
            raise self.unopened(error) from error
        if use in ("alone", "target"):
            self._lock(
                self._holding, "pg_try_advisory_lock", _IN_USE, "another server uses it: stop that first"
            )
            self._wait_for_poolers(self._holding)
        elif self._holding.prepare_threshold is not None:
            shared = "_shared" if use == "server" else ""
            self._lock(self._holding, f"pg_try_advisory_lock{shared}", _OTHERS, ANOTHER, OTHER_SECONDS)

    def _lock(
        self,
        conn: psycopg.Connection[Any],
        function: str,
        key: int,
        otherwise: str,
        seconds: float = LOCK_SECONDS,
    ) -> None:
        """Lock for as long as the connection lasts. Raises ConfigError."""
        until = time.monotonic() + seconds
        while conn.execute(f"SELECT {function}({key})".encode()).fetchone() != (True,):
            if time.monotonic() > until:
                raise self._error(f"can't be used just now: {otherwise}")
            time.sleep(0.05)

    def _wait_for_poolers(self, conn: psycopg.Connection[Any]) -> None:
        """A server that comes through a pooler holds no lock, but its connections have its name. Raises ConfigError."""
        until = time.monotonic() + LOCK_SECONDS
        while (
            others := conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = %s AND pid <> pg_backend_pid()",
                (self._options["application_name"],),
            ).fetchone()
        ) != (0,):
            if time.monotonic() > until:
                raise self._error(
                    f"has {others[0] if others else 0} connections of servers: stop those first; if none runs any more,"
                    " a pooler (PgBouncer) keeps them: RECONNECT in its console ends them"
                )
            time.sleep(0.05)

    def check(self, conn: Connection) -> None:
        # Other servers that start wait here, and to change tables may take long.
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        encoding = conn.execute(text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            raise self._error(f"keeps texts as {encoding}; it has to be made with ENCODING 'UTF8'")
        ours = metadata.tables.keys() & set(inspect(conn).get_table_names())
        if not ours:
            return
        revision = revision_of(conn)
        if revision is None:
            raise self._error("has tables of another program: name another database in store.url")
        lacks = lacking(conn) if revision == REVISION else None
        if lacks is not None:
            raise self._error(f"is damaged ({lacks}): restore it from a backup")

    def back_up(self, revision: str) -> Path | None:
        return None

    def started(self, conn: Connection) -> str:
        # A crash of PostgreSQL while the server did not stop in order can't be told from none.
        return secrets.token_hex(8)

    def writer(self) -> PostgresqlWriter:
        return PostgresqlWriter(self.engine)

    def insert(self, conn: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        quote = conn.dialect.identifier_preparer
        names = ", ".join(quote.format_column(each) for each in table.columns)
        cursor: Any = conn.connection.cursor()
        with cursor.copy(f"COPY {quote.format_table(table)} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def renumber(self, conn: Connection) -> None:
        numbered = conn.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
                " AND (is_identity = 'YES' OR column_default LIKE 'nextval(%')"
            )
        )
        quote = conn.dialect.identifier_preparer.quote
        for table, column in numbered.all():
            last = f"(SELECT max({quote(column)}) FROM {quote(table)})"
            own = "pg_get_serial_sequence(quote_ident(:table), :column)"
            conn.execute(
                text(f"SELECT setval({own}, {last}) WHERE {last} IS NOT NULL"),
                {"table": table, "column": column},
            )

    def unopened(self, error: Exception) -> ConfigError:
        driver = _first_line(error)
        why = REFUSED if is_refusal(driver) else reason(error)
        return self._error(f"can't be opened: {why} ({driver})" if why else f"can't be opened: {driver}")

    def abandon(self) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()
        if self._holding is not None:
            self._holding.close()

    def _error(self, what: str) -> ConfigError:
        return ConfigError(f"the database {self.name} {what}", path="store.url")


def _name(options: dict[str, Any]) -> str:
    """The address without the password."""
    user = f"{options['user']}@" if options.get("user") else ""
    port = f":{options['port']}" if options.get("port") else ""
    return f"postgresql://{user}{options.get('host', '')}{port}/{options.get('dbname', '')}"


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]
