"""Makes ``revision_1.tar.xz``: the data folder of a server of commit 0296311, whose database is at revision 1.

Run in a checkout of that commit, installed with its test tools: ``python make_revision_1.py OUTPUT``. The clients' tokens are
``token-NAME``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import quote

from chatserver.testing import Harness, Refused

MESSAGES = 2400
WORDS = "tea milk <b>sugar</b> & water, kettle — pot 茶 cup ☕ saucer spoon `code` https://example.org/a?b=c biscuit".split()
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
SETTINGS = {
    "store": {"url": "sqlite:", "durability": "normal"},
    "rooms": [
        {"name": "general", "title": "General", "topic": "All & sundry"},
        {"name": "tea", "history": "joined"},
    ],
}


async def talk(random_: random.Random, clients: list, room: str, count: int, first: int = 0) -> list:
    sent = []
    for number in range(first, first + count):
        client = random_.choice(clients)
        text = " ".join(random_.choices(WORDS, k=random_.randint(1, 9))) + f" {number}"
        more = {"nonce": f"{room}-{number}"} if number % 3 else {}
        if number % 12 == 5 and sent:
            more["reply_to"] = random_.choice(sent)[1]
        if number % 40 == 7:
            text = f"@{random_.choice(clients).name} {text}"
        reply = await client.says(text, room, **more)
        sent.append((client, reply.message_id, reply.seq))
    return sent


async def change(random_: random.Random, sent: list) -> None:
    for client, message_id, _ in random_.sample(sent, len(sent) // 20):
        await client.ask("edit", message_id=message_id, content=f"edited {random_.choice(WORDS)} & more", rev=2)
    for client, message_id, _ in random_.sample(sent, len(sent) // 40):
        try:
            await client.ask("delete", message_id=message_id)
        except Refused as refused:
            assert refused.code == "not_found", refused


async def upload(server: Harness, client, room: str, name: str, body: bytes) -> str:
    answer = await server.http(
        "POST", f"/plugins/files/upload?room={room}", body=body, token=client.token, headers={"X-File-Name": quote(name)}
    )
    assert answer.code == 201, answer.body
    return json.loads(answer.body)["file"]["id"]


async def fill(server: Harness) -> dict[str, str]:
    random_ = random.Random(1)
    admin = await server.account("admin", "admin")
    mod = await server.account("mod", "moderator")
    bob = await server.account("bob")
    carol, dave, eve, fay = [await server.client(name) for name in ("carol", "dave", "eve", "fay")]
    everyone = [admin, mod, bob, carol, dave, eve, fay]
    for client in everyone:
        await client.join("general")
    await server.api("POST", "rooms", {"name": "den", "kind": "private", "title": "Den"}, token=bob.token)
    await server.api("POST", "rooms", {"name": "attic", "topic": "old things"}, token=admin.token)
    await bob.ask("message", room="den", content="/invite carol")
    sent = await talk(random_, everyone, "general", MESSAGES)
    await change(random_, sent)
    for client in (admin, carol):
        await client.join("tea")
    tea = await talk(random_, [admin, carol], "tea", 60)
    await dave.join("tea")
    tea += await talk(random_, [admin, carol, dave], "tea", 60, 60)
    await change(random_, tea)
    await talk(random_, [bob, carol], "den", 100)
    for text in ("hello you", "second"):
        await admin.says(text, to=bob.id)
    await carol.says("from carol", to=bob.id)
    await bob.says("to carol & back", to=carol.id, nonce="dm")
    picture = await upload(server, carol, "general", "dot ☕.png", PICTURE)
    note = await upload(server, carol, "general", "note.txt", b"a note\n")
    await carol.says("two files", "general", files=[picture, note], nonce="files")
    gone = await upload(server, dave, "general", "gone.txt", b"deleted\n")
    reply = await dave.says("", "general", files=[gone])
    await dave.ask("delete", message_id=reply.message_id)
    secret = await upload(server, bob, "den", "plan.txt", b"a plan\n")
    await bob.says("the plan", "den", files=[secret])
    await admin.ask("join", room="attic")
    await admin.says("dust", "attic")
    assert (await server.api("PATCH", "rooms/attic", {"archived": True}, token=admin.token))[0] == 200
    await mod.says("/mute fay", "general")
    await mod.says("/ban eve 5000000 rude", "general")
    await mod.says("/kick dave", "general")
    await dave.ask("join", room="general")
    await bob.ask("message", room="general", content="/me waves", nonce="me")
    await bob.ask("message", room="general", content="/topic Everything")
    await bob.ask("read", room="general", seq=MESSAGES)
    # What bob and carol have not read: some of it named them, some of it was deleted since.
    last = await talk(random_, [admin, mod], "general", 30, MESSAGES)
    for text in ("@bob are you there", "@carol and @bob", "never mind @bob"):
        reply = await admin.says(text, "general")
        last.append((admin, reply.message_id, reply.seq))
    await admin.ask("delete", message_id=last[-1][1])
    for client, message_id, _ in last[3:6]:
        await client.ask("delete", message_id=message_id)
    return {client.name: client.token for client in everyone}


async def make(output: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugins = ["basics", "moderation", "emoji", "history", "files"]
        async with Harness(folder, plugins=plugins, settings=SETTINGS) as server:
            tokens = await fill(server)
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
