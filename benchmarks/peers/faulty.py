"""Not a peer: a broadcast server that makes one mistake, for `benchmarks.selfcheck`.

faulty.py PORT FAULT: one message in 99 to a connection is lost (drop), sent twice (repeat), or sent after the next one
(swap); none makes no mistake.
"""

import asyncio
import sys
from collections import defaultdict

import tornado.web
import tornado.websocket

EVERY = 99
FAULT = sys.argv[2]
rooms: dict[str, set["Chat"]] = defaultdict(set)


class Chat(tornado.websocket.WebSocketHandler):
    def open(self, room: str) -> None:
        self.room, self.count, self.held = room, 0, ""
        rooms[room].add(self)

    def on_message(self, message: str | bytes) -> None:
        assert isinstance(message, str)
        for member in rooms[self.room]:
            member.deliver(message)

    def deliver(self, message: str) -> None:
        self.count += 1
        turn = self.count % EVERY == 0
        if turn and FAULT == "drop":
            return
        if turn and FAULT == "swap":
            self.held = message
            return
        self.write_message(message)
        if turn and FAULT == "repeat":
            self.write_message(message)
        if self.held:
            self.write_message(self.held)
            self.held = ""

    def on_close(self) -> None:
        rooms[self.room].discard(self)


async def main(port: int) -> None:
    tornado.web.Application([(r"/ws/(\w+)", Chat)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
