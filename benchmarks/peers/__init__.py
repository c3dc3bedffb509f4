"""The servers this one is compared with: each a few lines, written as its own documentation shows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .. import build, packages
from ..folders import PEERS
from ..launch import Launch, Server
from . import ejabberd, prosody

GOPATH = Path("/usr/share/gocode")
NOTHING = "nothing"
_DJANGO = ("channels", "channels_redis", "daphne")


def _ceiling(kind: str) -> Server:
    return Server(
        f"c-{kind}", "plain", NOTHING, lambda launch: [str(build.ceiling()), str(launch.port), kind]
    )


def _python(name: str, script: str, requirements: tuple[str, ...], keeps: str = NOTHING) -> Server:
    def command(launch: Launch) -> list[str]:
        python = packages.python_with(*requirements)
        return [str(python), str(PEERS / script), str(launch.port), str(launch.folder)]

    return Server(name, "plain", keeps, command, lambda: packages.python_versions(*requirements))


def _node(name: str, dialect: str, script: str, package: str) -> Server:
    def command(launch: Launch) -> list[str]:
        modules = packages.node_with(package)
        # Node looks for packages beside the script, so the script is put beside them.
        shutil.copy(PEERS / script, modules / script)
        return ["node", str(modules / script), str(launch.port)]

    return Server(name, dialect, NOTHING, command, lambda: packages.node_version(package))


def _django(launch: Launch) -> list[str]:
    if shutil.which("redis-server") is None:
        raise build.NotHere("no Redis (apt-get install redis-server)")
    python = packages.python_with(*_DJANGO)
    return [str(python), str(PEERS / "django_channels.py"), str(launch.port), str(launch.folder)]


def _gorilla(name: str, kind: str) -> Server:
    def command(launch: Launch) -> list[str]:
        return [str(build.go_program("gorilla", PEERS / "gorilla.go", GOPATH)), str(launch.port), kind]

    return Server(name, "plain", NOTHING, command, _go_version)


def _go_version() -> str:
    return subprocess.run(["go", "version"], capture_output=True, text=True).stdout.strip()


ALL = (
    _ceiling("each"),
    _ceiling("coalesce"),
    _gorilla("go-gorilla", "joined"),
    _gorilla("go-gorilla-each", "each"),
    _node("node-ws", "plain", "node_ws.js", "ws"),
    _node("socket.io", "socketio", "socketio.js", "socket.io"),
    _python("tornado", "tornado_plain.py", ("tornado",)),
    _python("fastapi", "fastapi_plain.py", ("fastapi", "uvicorn[standard]")),
    Server("django-channels", "plain", NOTHING, _django, lambda: packages.python_versions(*_DJANGO)),
    _python("websockets", "websockets_broadcast.py", ("websockets",)),
    _python("picows", "picows_plain.py", ("picows",)),
    Server("ejabberd", "xmpp", "all (fsync)", ejabberd.command, ejabberd.version),
    Server("prosody", "xmpp", "all (fsync)", prosody.command, prosody.version),
    _python(
        "fastapi-sqlite", "fastapi_sqlite.py", ("fastapi", "uvicorn[standard]", "sqlalchemy"), "all (fsync)"
    ),
)
