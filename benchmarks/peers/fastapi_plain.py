"""FastAPI on uvicorn (uvloop, httptools, websockets): the connection manager of FastAPI's own documentation."""

import sys
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
rooms: dict[str, list[WebSocket]] = defaultdict(list)


@app.websocket("/ws/{room}")
async def chat(websocket: WebSocket, room: str) -> None:
    await websocket.accept()
    rooms[room].append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for member in list(rooms[room]):
                await member.send_text(text)
    except WebSocketDisconnect:
        rooms[room].remove(websocket)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", ws_per_message_deflate=False)
