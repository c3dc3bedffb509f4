"""A gateway for lines of text over TCP, as with telnet: its users chat with those in browsers."""

import asyncio

from chatserver import Plugin, Reject, StreamLink, hookimpl, settings

LINE_BYTES = 4096


class AsLines:
    """Events as lines for a terminal."""

    ping = b"PING\r\n"

    def format(self, event):
        text = self.text(event)
        # A line break in a message must not begin a line of its own.
        return f"{' / '.join(text.splitlines())}\r\n".encode() if text else b""

    def text(self, event):
        match event:
            case {"type": "welcome", "user": user}:
                return f"You are {user['name']}. JOIN a room, SAY something, or QUIT."
            case {"type": "ok", "room": {"name": room}, "count": count}:
                return f"You are in {room}, with {count - 1} others."
            case {"type": "message", "room": room, "user": user, "content": content}:
                return f"[{room}] {user['name']}: {content}"
            case {"type": "joined" | "left" as what, "room": room, "user": user}:
                return f"[{room}] {user['name']} {what}"
            case {"type": "kicked", "room": room, "reason": reason}:
                return f"You were removed from {room}. {reason}"
            case {"type": "error", "message": message} | {"type": "notice", "text": message}:
                return f"! {message}"
            case {"type": "closed", "reason": reason}:
                return f"Goodbye: {reason}."


class Lines(Plugin):
    """Chat by lines: NICK name, JOIN room, SAY room text, QUIT."""

    @settings
    class Settings:
        host: str = "127.0.0.1"
        port: int = 0

    @hookimpl
    async def startup(self):
        self.as_lines = AsLines()
        self.listener = await asyncio.start_server(
            self.serve, self.settings.host, self.settings.port, limit=LINE_BYTES
        )

    @hookimpl
    def shutdown(self):
        self.listener.close()

    async def serve(self, reader, writer):
        session = None
        try:
            while line := await reader.readline():
                words = line.decode(errors="replace").strip().split(" ", 2)
                if session is None:
                    session = await self.enter(words, writer)
                elif words[0] == "QUIT":
                    break
                else:
                    await self.obey(session, words)
        except (ConnectionError, ValueError):
            self.log.debug("a client was lost, or sent a line that is too long")
        finally:
            if session is not None:
                session.close()
            writer.close()

    async def enter(self, words, writer):
        """The session of a client that says its name; None as long as it doesn't, or can't have it."""
        link = StreamLink(writer)
        try:
            match words:
                case ["NICK", name]:
                    ip = writer.get_extra_info("peername")[0]
                    return await self.chat.open_session(link, self.as_lines, name=name, remote_ip=ip)
            raise Reject("Say NICK and your name first.")
        except Reject as refusal:
            link.write(self.as_lines.format({"type": "error", "message": refusal.message}))

    async def obey(self, session, words):
        match words:
            case ["JOIN", room]:
                await session.request("join", id="join", room=room)
            case ["SAY", room, text]:
                await session.request("message", id="say", room=room, content=text)
            case ["PONG"]:
                session.alive()
            case _:
                await session.request(words[0][:64], id="unknown")
