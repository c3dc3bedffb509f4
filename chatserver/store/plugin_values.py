"""What plugins keep without tables of their own: values, and jobs for later. Each function takes a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from . import schema as s
from .compiled_statement import upsert


def values(conn: Connection, plugin: str) -> dict[str, bytes]:
    """What a plugin keeps, as JSON by key."""
    query = select(s.plugin_value.c.key, s.plugin_value.c.value).where(s.plugin_value.c.plugin == plugin)
    return {row.key: row.value.encode() for row in conn.execute(query)}


def write_values(conn: Connection, plugin: str, changed: Mapping[str, bytes | None]) -> None:
    """Store values as JSON by key; None removes one."""
    gone = [key for key, value in changed.items() if value is None]
    if gone:
        where = s.plugin_value.c.plugin == plugin, s.plugin_value.c.key == bindparam("gone")
        conn.execute(delete(s.plugin_value).where(*where), [{"gone": key} for key in gone])
    rows = [
        {"plugin": plugin, "key": key, "value": value.decode()}
        for key, value in changed.items()
        if value is not None
    ]
    if rows:
        statement = upsert(conn.dialect, s.plugin_value)
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=["plugin", "key"], set_={"value": statement.excluded.value}
            ),
            rows,
        )


class StoredJob(msgspec.Struct, frozen=True):
    """A job of a plugin: what (``name``), when (``due``, seconds since the epoch), and its data as JSON."""

    plugin: str
    id: str
    name: str
    due: float
    data: str


def put_job(conn: Connection, job: StoredJob) -> None:
    """Store a job that was never tried, in the place of the plugin's other one with this id."""
    values = {"name": job.name, "due": job.due, "tries": 0, "data": job.data}
    statement = upsert(conn.dialect, s.plugin_job).values(plugin=job.plugin, id=job.id, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["plugin", "id"], set_=values))


def drop_job(conn: Connection, plugin: str, id: str, due: float | None = None) -> bool:
    """Remove a job; False if it is not there, or, with ``due``, has another time by now."""
    where = [s.plugin_job.c.plugin == plugin, s.plugin_job.c.id == id]
    if due is not None:
        where.append(s.plugin_job.c.due == due)
    return conn.execute(delete(s.plugin_job).where(*where)).rowcount > 0


def try_job(conn: Connection, job: StoredJob, more: int = 1) -> int | None:
    """How often a job was tried, with so many tries ``more``; None if it is gone, or has another time by now."""
    tries = s.plugin_job.c.tries
    conn.execute(update(s.plugin_job).where(*_same(job)).values(tries=tries + more))
    return conn.execute(select(tries).where(*_same(job))).scalar()


def put_off_job(conn: Connection, job: StoredJob, due: float) -> None:
    """Give a job another time, unless it is gone, or has another one by now."""
    conn.execute(update(s.plugin_job).where(*_same(job)).values(due=due))


def _same(job: StoredJob) -> tuple[ColumnElement[bool], ...]:
    columns = s.plugin_job.c
    return columns.plugin == job.plugin, columns.id == job.id, columns.due == job.due


def next_jobs(conn: Connection, plugins: Sequence[str], most: int) -> list[StoredJob]:
    """So many of these plugins' jobs, those that are due first."""
    query = (
        select(s.plugin_job)
        .where(s.plugin_job.c.plugin.in_(plugins))
        .order_by(s.plugin_job.c.due)
        .limit(most)
    )
    return [StoredJob(row.plugin, row.id, row.name, row.due, row.data) for row in conn.execute(query)]
