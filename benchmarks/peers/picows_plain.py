"""picows, WebSockets for asyncio in Cython: send() to all in a loop."""

import asyncio
import sys
from collections import defaultdict

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

rooms: dict[bytes, set[WSTransport]] = defaultdict(set)


class Chat(WSListener):
    def __init__(self, room: bytes) -> None:
        self.room = room

    def on_ws_connected(self, transport: WSTransport) -> None:
        rooms[self.room].add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        rooms[self.room].discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            for member in rooms[self.room]:
                member.send(WSMsgType.TEXT, payload)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()


def listener(request: WSUpgradeRequest) -> WSListener:
    return Chat(request.path)


async def main(port: int) -> None:
    server = await ws_create_server(listener, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
