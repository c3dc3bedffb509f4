"""Tornado as its chat demo does it: write_message to all, in a loop."""

import asyncio
import sys
from collections import defaultdict

import tornado.web
import tornado.websocket

rooms: dict[str, set["Chat"]] = defaultdict(set)


class Chat(tornado.websocket.WebSocketHandler):
    def open(self, room: str) -> None:
        self.room = room
        rooms[room].add(self)

    def on_message(self, message: str | bytes) -> None:
        for member in rooms[self.room]:
            member.write_message(message)

    def on_close(self) -> None:
        rooms[self.room].discard(self)


async def main(port: int) -> None:
    tornado.web.Application([(r"/ws/(\w+)", Chat)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
