"""The settings of ejabberd: anonymous sign-in over WebSocket, rooms whose messages are archived in SQLite."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from ..build import NotHere
from ..launch import Launch

SCHEMA = Path("/usr/share/ejabberd/sql/lite.sql")


def command(launch: Launch) -> list[str]:
    """How it is started: not by ejabberdctl, which would change the user and leave a daemon behind. Raises NotHere."""
    if shutil.which("erl") is None or not SCHEMA.exists():
        raise NotHere("no ejabberd (apt-get install ejabberd erlang-p1-sqlite3)")
    libraries = next(iter(Path("/usr/lib").glob("*/ejabberd-*"))).parent
    database = launch.folder / "ejabberd.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMA.read_text())
    config = launch.folder / "ejabberd.yml"
    config.write_text(json.dumps(_settings(launch.port, database)))  # JSON is YAML
    variables = {
        "HOME": launch.folder,
        "EJABBERD_CONFIG_PATH": config,
        "EJABBERD_LOG_PATH": launch.folder / "ejabberd.log",
        "ERL_LIBS": libraries,
    }
    environment = [f"{name}={value}" for name, value in variables.items()]
    mnesia = ["-mnesia", "dir", json.dumps(str(launch.folder / "mnesia"))]
    # The kernel's polling and limits as in Debian's ejabberdctl.
    return ["env", *environment, "erl", "+K", "true", "+P", "250000", *mnesia, "-s", "ejabberd", "-noinput"]


def _settings(port: int, database: Path) -> dict[str, object]:
    websocket = {"/xmpp-websocket": "ejabberd_http_ws"}
    listener = {"port": port, "ip": "127.0.0.1", "module": "ejabberd_http", "request_handlers": websocket}
    return {
        "hosts": ["localhost"],
        "loglevel": "error",
        "listen": [listener],
        "auth_method": ["anonymous"],
        "anonymous_protocol": "sasl_anon",
        "default_db": "sql",
        "sql_type": "sqlite",
        "sql_database": str(database),
        "modules": {
            "mod_muc": {
                "host": "conference.localhost",
                "max_users": 5000,
                "default_room_options": {"mam": True, "max_users": 5000},
            },
            "mod_mam": {"default": "always"},
        },
    }


def version() -> str:
    """As Debian names it."""
    asked = ["dpkg-query", "--show", "--showformat=${Version}", "ejabberd"]
    return f"ejabberd {subprocess.run(asked, capture_output=True, text=True).stdout}"
