"""The revisions of the tables, in order, by Alembic. Imported only where a database is not at the last one.

A change of ``schema.py`` comes with a file in ``versions/``, which brings a database of the revision before to it, and
with the new ``REVISION`` in ``revisions.py``. tests/test_revisions.py compares the two.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

BEFORE_ALEMBIC = "1"


def _config(conn: Connection | None = None) -> Config:
    config = Config(attributes={"connection": conn})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def known() -> set[str]:
    """Every revision that this program can bring up to date."""
    scripts = ScriptDirectory.from_config(_config())
    return {BEFORE_ALEMBIC, *(script.revision for script in scripts.walk_revisions())}


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Bring the tables up to ``revision``, in the transaction that is under way."""
    command.upgrade(_config(conn), revision)
