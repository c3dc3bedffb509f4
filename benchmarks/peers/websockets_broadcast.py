"""The websockets library with its broadcast(), which its documentation recommends for fan-out."""

import asyncio
import sys
from collections import defaultdict

from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: dict[str, set[ServerConnection]] = defaultdict(set)


async def chat(connection: ServerConnection) -> None:
    assert connection.request is not None
    room = connection.request.path
    rooms[room].add(connection)
    try:
        async for message in connection:
            broadcast(rooms[room], message)
    finally:
        rooms[room].discard(connection)


async def main(port: int) -> None:
    async with serve(chat, "127.0.0.1", port, compression=None, backlog=1024):
        await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
