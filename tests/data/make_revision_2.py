"""Makes ``revision_2.tar.xz``: the data folder of a server of commit 47ad6d6, whose database is at revision 2, and in
``told.json`` every event of every room as that server told it.

Run in a checkout of that commit, installed with its test tools: ``python make_revision_2.py OUTPUT``. The clients' tokens are
``token-NAME``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

from chatserver.testing import Client, Harness

LIKES = '''
from chatserver import Plugin, command, hookimpl


class Likes(Plugin):
    migrations = ("CREATE TABLE likes_click (message_id TEXT NOT NULL, user_id TEXT NOT NULL)",)

    @hookimpl
    def register_events(self):
        return ["liked"]

    @command()
    async def like(self, ctx, message_id: str):
        """Like a message."""

        def click(tx):
            tx.execute("INSERT INTO likes_click VALUES (:id, :user)", id=message_id, user=ctx.user.id)
            tx.annotate(message_id, {"by": [ctx.user.id]})

        await self.chat.append(ctx.room, "liked", {}, user=ctx.user, also=click)
'''
SETTINGS = {"store": {"url": "sqlite:", "durability": "normal"}, "rooms": [{"name": "general", "topic": "All & sundry"}]}


async def fill(server: Harness) -> dict[str, Client]:
    admin = await server.account("admin", "admin")
    bob = await server.account("bob")
    carol = await server.client("carol")
    for client in (admin, bob, carol):
        await client.join("general")
    await server.api("POST", "rooms", {"name": "den", "kind": "private"}, token=bob.token)
    await bob.ask("message", room="den", content="/invite carol")
    for room, clients in (("general", (admin, bob, carol)), ("den", (bob, carol))):
        for number in range(30):
            client = clients[number % len(clients)]
            sent = await client.says(f"<b>{number}</b> & @bob 茶", room, nonce=f"{room}{number}")
            if number % 5 == 1:
                await client.ask("edit", message_id=sent.message_id, content=f"edited {number}", rev=2)
            if number % 5 == 2:
                await client.ask("delete", message_id=sent.message_id)
            if number % 5 == 3:
                await bob.ask("message", room=room, content=f"/like {sent.message_id}")
            if number % 5 == 4:
                await client.says("re", room, reply_to=sent.message_id)
    await admin.says("hello you", to=bob.id)
    await admin.ask("message", room="general", content="/mute carol")
    await bob.ask("read", room="general", seq=20)
    return {client.name: client for client in (admin, bob, carol)}


async def log_of(client: Client, room: str) -> list[dict]:
    return [dict(event) for event in (await client.ask("sync", room=room, after=0, limit=500))["events"]]


async def make(output: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plugins").mkdir()
        (folder / "plugins" / "likes.py").write_text(LIKES)
        plugins = ["basics", "moderation", "likes"]
        async with Harness(folder, plugins=plugins, dirs=[folder / "plugins"], settings=SETTINGS) as server:
            clients = await fill(server)
            rooms = [room["name"] for room in (await clients["bob"].ask("rooms"))["rooms"]]
            told = {room: await log_of(clients["bob"], room) for room in rooms}
            (folder / "data" / "told.json").write_text(json.dumps(told, ensure_ascii=False))
            tokens = {name: client.token for name, client in clients.items()}
        database = sqlite3.connect(folder / "data" / "chat.db", isolation_level=None)
        for name, token in tokens.items():
            hashes = [hashlib.sha256(each.encode()).hexdigest() for each in (f"token-{name}", token)]
            changed = database.execute("UPDATE token SET hash = ?, expires = 9e9 WHERE hash = ?", hashes)
            assert changed.rowcount == 1, name
        # With its pages as a server leaves them, but nothing of the tokens above.
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode = DELETE")
        database.close()
        with tarfile.open(output, "w:xz", preset=9) as archive:
            for path in sorted((folder / "data").rglob("*")):
                if path.is_file() and not path.name.endswith(".lock"):
                    archive.add(path, path.relative_to(folder / "data"), filter=without_owner)


def without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
