"""The settings of Prosody: anonymous sign-in over WebSocket, rooms whose messages are archived in SQLite."""

from __future__ import annotations

import shutil
import subprocess

from ..build import NotHere
from ..launch import Launch

SETTINGS = """
daemonize = false
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}"
modules_enabled = {{ "saslauth", "websocket" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_websocket_secure = true
http_default_host = "localhost"
http_ports = {{ {port} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
c2s_ports = {{ }}
legacy_ssl_ports = {{ }}
s2s_ports = {{ }}
log = {{ {{ levels = {{ min = "error" }}, to = "console" }} }}
storage = {{ muc_log = "sql" }}
sql = {{ driver = "SQLite3", database = "archive.sqlite" }}

VirtualHost "localhost"
    authentication = "anonymous"

Component "conference.localhost" "muc"
    modules_enabled = {{ "muc_mam" }}
    muc_log_by_default = true
    muc_room_locking = false
"""


def command(launch: Launch) -> list[str]:
    """How it is started. Raises NotHere."""
    program = shutil.which("prosody")
    if program is None:
        raise NotHere("no Prosody (apt-get install prosody lua-dbi-sqlite3)")
    config = launch.folder / "prosody.cfg.lua"
    config.write_text(SETTINGS.format(folder=launch.folder, port=launch.port))
    return [program, "-F", "--config", str(config)]


def version() -> str:
    """As Debian names it."""
    asked = ["dpkg-query", "--show", "--showformat=${Version}", "prosody"]
    return f"Prosody {subprocess.run(asked, capture_output=True, text=True).stdout}"
