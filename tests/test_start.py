"""What a start imports. Each needless library there is paid by everyone, at each start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import asyncio, json, sys
from pathlib import Path
from chatserver.config import load
from chatserver.server import cli
from chatserver.server.server import ChatServer

async def main():
    server = ChatServer(load(Path(sys.argv[1]), {}))
    await server.start()
    print(json.dumps(sorted(sys.modules)))
    await server.stop()

asyncio.run(main())
"""
LATER = (
    "alembic",  # to bring a database over
    "chatserver.testing",
    "dotenv",  # for a file .env
    "email.mime",
    "http.server",
    "markdown_it",  # with the first message that needs it
    "numpy",
    "PIL",  # with the first picture
    "precis_i18n",  # with the first name that isn't ASCII
    "psycopg",
    "prometheus_client",  # with the first scrape
    "pygments",
    "pytest",
    "pythonjsonlogger",  # for log.format: json
    "setuptools",
    "sqlalchemy.dialects.mysql",
    "sqlalchemy.dialects.oracle",
    "sqlalchemy.dialects.postgresql",
    "chatserver.store.postgresql",
    "sqlalchemy.orm",
)


def test_a_start_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    settings = tmp_path / "config.yaml"
    settings.write_text("server: {port: 0}\ndata_dir: data\n")
    run = subprocess.run(
        [sys.executable, "-c", START, str(settings)], capture_output=True, text=True, check=True
    )
    imported = json.loads(run.stdout)
    assert "chatserver_plugins.files" in imported
    found = [
        name for name in imported if name.startswith(tuple(f"{each}." for each in LATER)) or name in LATER
    ]
    assert not found


@pytest.mark.parametrize("command", [["--version"], ["check", "--config", "{}"]])
def test_what_the_command_imports_is_no_garbage(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    words = [each.format(tmp_path / "config.yaml") for each in command]
    code = (
        f"import gc, sys; sys.argv = ['chatserver', *{words!r}]\n"
        "from chatserver.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code or 0, gc.isenabled(), gc.get_freeze_count())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code, enabled, frozen = run.stdout.split()[-3:]
    assert (code, enabled) == ("0", "True")
    assert int(frozen) > 10_000
