"""Where the server's log goes, and what its lines look like."""

from __future__ import annotations

import logging
import time

from ..config import Settings


def log_to_stderr(settings: Settings, node: str = "") -> None:
    """Write the log to standard error, as the settings say, each line with the name of the ``node`` if it has one."""
    handler = logging.StreamHandler()
    name = f"{node} " if node else ""
    text = logging.Formatter(f"%(asctime)s {name}%(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(_json_lines(handler, node) if settings.log.format == "json" else text)
    logging.basicConfig(level=settings.log.level.upper(), handlers=[handler])
    # Tornado's own line for each request; ours says more, at the level debug.
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    # Alembic tells of its own plugins; the store says what is brought over.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # What it passes over while it ends a connection that was lost; the store says what failed.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def _json_lines(handler: logging.Handler, node: str) -> logging.Formatter:
    """A formatter that makes each line an object; what is passed as ``extra`` becomes further fields."""
    # It would take a twentieth of the start of those who log as text.
    from pythonjsonlogger.json import JsonFormatter

    def lower(record: logging.LogRecord) -> bool:
        record.level = record.levelname.lower()
        return True

    handler.addFilter(lower)
    formatter = JsonFormatter(
        ["asctime", "level", "name", "message"],
        datefmt="%Y-%m-%dT%H:%M:%SZ",
        rename_fields={"asctime": "time", "name": "logger", "exc_info": "error"},
        json_ensure_ascii=False,
        static_fields={"node": node} if node else {},
    )
    formatter.converter = time.gmtime
    return formatter
