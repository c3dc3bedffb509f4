"""A room with a long past, sent by the load generator once and kept for the runs after."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from . import chat
from .folders import CACHE, ROOT
from .generator import Generator, LoadFailed, Options
from .launch import Launch
from .processes import Process, free_port

SEED_SECONDS = 1200
SENDERS = 20


def seeded(messages: int) -> Path:
    """A folder with a database whose ``room0`` has so many messages. Raises NotHere, ServerFailed or LoadFailed.

    It is made anew after any change of the server's code, since that may have changed the tables.
    """
    folder = CACHE / f"history-{messages}-{_code()}"
    if not (folder / "done").exists():
        for old in CACHE.glob("history-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        _fill(folder, messages)
        (folder / "done").touch()
    return folder


def _fill(folder: Path, messages: int) -> None:
    # Without an fsync at each commit: it takes a while anyway.
    server = chat.variant("seed", url="sqlite:", durability="normal")
    launch = Launch(free_port(), folder, 1)
    load: Options = {"mode": "fill", "dialect": "chat", "ack": 1, "members": SENDERS, "senders": SENDERS, "window": 50,
            "messages": messages, "limit": SEED_SECONDS}  # fmt: skip
    with Process(server.command(launch), launch.port) as process:
        with Generator(process.port, load) as generator:
            generator.wait_for("ready")
            generator.go()
            result = generator.wait_for("result")
        process.stop()
    if result["errors"] or result["lost"]:
        raise LoadFailed(
            f"{messages} messages could not be sent: {result['first_error'] or 'some were lost'}"
        )


def _code() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "chatserver").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
