"""FastAPI with SQLAlchemy on SQLite (WAL, fsync at every commit): a message is stored, then sent to all."""

import asyncio
import sys
import time
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(f"sqlite:///{sys.argv[2]}/chat.db", connect_args={"check_same_thread": False})


@event.listens_for(engine, "connect")
def durable(connection, record):
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


class Base(DeclarativeBase):
    pass


class Message(Base):
    __tablename__ = "message"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(index=True)
    text: Mapped[str]
    ts: Mapped[float]


Base.metadata.create_all(engine)
app = FastAPI()
rooms: dict[str, list[WebSocket]] = defaultdict(list)
writing = asyncio.Lock()


def keep(room: str, text: str) -> None:
    with Session(engine) as session:
        session.add(Message(room=room, text=text, ts=time.time()))
        session.commit()


@app.websocket("/ws/{room}")
async def chat(websocket: WebSocket, room: str) -> None:
    await websocket.accept()
    rooms[room].append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            async with writing:
                await asyncio.to_thread(keep, room, text)
                for member in list(rooms[room]):
                    await member.send_text(text)
    except WebSocketDisconnect:
        rooms[room].remove(websocket)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", ws_per_message_deflate=False)
