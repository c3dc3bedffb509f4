"""Has every file looked at by ClamAV before it is kept. Its daemon, clamd, listens on a socket or a port."""

import asyncio
from pathlib import Path

from chatserver import Plugin, Reject, Upload, hookimpl, settings

PART_BYTES = 64 * 1024


class Clamav(Plugin):
    # Without the scanner no file is taken.
    on_error = "reject"

    @settings
    class Settings:
        address: str = "/var/run/clamav/clamd.ctl"  # of its socket, or HOST:PORT

    @hookimpl
    async def before_store(self, upload: Upload, path: Path):
        answer = await self.scanned(path)
        if answer.endswith("FOUND"):
            name = answer.removeprefix("stream: ").removesuffix(" FOUND")
            self.log.warning("%s of %s is refused: %s", upload.name, upload.user.name, name)
            raise Reject(f"The file is refused: {name}.")
        if not answer.endswith("OK"):
            raise RuntimeError(f"clamd says {answer!r}")

    @hookimpl
    async def health(self):
        try:
            return None if await self.asked(b"zPING\0") == "PONG" else "clamd gives no answer"
        except OSError as error:
            return f"clamd: {error}"

    async def scanned(self, path: Path) -> str:
        """What clamd says of a file, which is sent in parts (INSTREAM), as it may run elsewhere."""
        reader, writer = await self.connected()
        try:
            writer.write(b"zINSTREAM\0")
            with path.open("rb") as file:
                while part := await asyncio.to_thread(file.read, PART_BYTES):
                    writer.write(len(part).to_bytes(4, "big") + part)
                    await writer.drain()
            writer.write(bytes(4))
            return await told(reader)
        except ConnectionError:
            # It says why before it hangs up: a file may be larger than it takes.
            return await told(reader)
        finally:
            writer.close()

    async def asked(self, command: bytes) -> str:
        reader, writer = await self.connected()
        try:
            writer.write(command)
            return await told(reader)
        finally:
            writer.close()

    async def connected(self):
        host, colon, port = self.settings.address.rpartition(":")
        if colon and port.isdigit():
            return await asyncio.open_connection(host, int(port))
        return await asyncio.open_unix_connection(self.settings.address)


async def told(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\0"))[:-1].decode(errors="replace")
