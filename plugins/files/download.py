"""``GET /plugins/files/f/ID/NAME``: a file, for those who may read the message that names it."""

from __future__ import annotations

from contextlib import aclosing

import msgspec
from tornado.iostream import StreamClosedError

from chatserver import Handler, Reject, User, endpoint

from .filenames import disposition
from .ranges import byte_range
from .table import File

POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class DownloadHandler(Handler):
    """Pictures are shown; all else is saved. Nothing in a file can act in this server's name: it runs in no page,
    keeps the type that we found, and a page that is opened by itself is a sandbox without a single right."""

    takes_long = True

    @endpoint(headers=("Range",), media=("application/octet-stream",))
    async def get(self, file_id: str) -> None:
        """A file."""
        await self._serve(file_id, with_body=True)

    @endpoint()
    async def head(self, file_id: str) -> None:
        """The headers of a file."""
        await self._serve(file_id, with_body=False)

    async def _file(self, file_id: str) -> File:
        """A file that the caller may read. Raises `Reject`."""
        user = await self.require_user()
        file = await self.plugin.table.get(file_id)
        # The same answer for what isn't there and what isn't theirs.
        if file is None or not await self._may_read(user, file):
            raise no_such_file()
        return file

    async def _serve(self, file_id: str, *, with_body: bool) -> None:
        file = await self._file(file_id)
        self._describe(file)
        if self.check_etag_header():
            self.set_status(304)
            return
        start, end = self._span(file)
        self.set_header("Content-Length", str(end - start))
        try:
            if with_body:
                await self._send(file, start, end)
            elif not await self.plugin.storage.has(file.id):
                raise no_such_file()
        except FileNotFoundError:
            raise no_such_file() from None
        except OSError as error:
            self.plugin.log.error("could not read a file: %s", error)
            if not self._headers_written:
                raise Reject("The file can't be read just now.", "unavailable") from error
            # Cut short, so that no client takes a part for the whole.
            self.request.connection.stream.close()

    async def _send(self, file: File, start: int, end: int) -> None:
        async with aclosing(self.plugin.storage.read(file.id, start, end)) as chunks:
            async for chunk in chunks:
                self.write(chunk)
                try:
                    await self.flush()
                except StreamClosedError:
                    # It reads too slowly, or went; it can ask for the rest.
                    return

    async def _may_read(self, user: User, file: File) -> bool:
        if not file.used:
            return file.user_id == user.id
        for message_id in await self.plugin.table.messages(file.id):
            message = await self.chat.message(message_id)
            if message is not None and await self.chat.may_read(file.room, user=user, seq=message.seq):
                return True
        return False

    def _describe(self, file: File) -> None:
        self.set_header("Content-Type", file.mime)
        self.set_header("Content-Disposition", disposition(file.name, inline=file.inline))
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        # The bytes of an id never change.
        self.set_header("Cache-Control", "private, max-age=31536000, immutable")
        self.set_header("Etag", f'"{file.id}"')
        self.set_header("Accept-Ranges", "bytes")

    def _span(self, file: File) -> tuple[int, int]:
        """What is asked for; sets the status and the headers that go with it."""
        headers = self.request.headers
        same = headers.get("If-Range", f'"{file.id}"') == f'"{file.id}"'
        try:
            span = byte_range(headers.get("Range") if same else None, file.size)
        except ValueError:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{file.size}")
            return 0, 0
        if span is None:
            return 0, file.size
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {span[0]}-{span[1] - 1}/{file.size}")
        return span


class PreviewHandler(DownloadHandler):
    """``GET /plugins/files/p/ID``: a smaller picture of a file, for the same people."""

    async def _serve(self, file_id: str, *, with_body: bool) -> None:
        file = await self._file(file_id)
        try:
            data = await self.plugin.storage.preview(file.id)
        except FileNotFoundError:
            raise no_such_file() from None
        except OSError as error:
            self.plugin.log.error("could not read a file: %s", error)
            raise Reject("The file can't be read just now.", "unavailable") from error
        self._describe(msgspec.structs.replace(file, name=f"{file.name}.webp", mime="image/webp"))
        self.clear_header("Accept-Ranges")
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.set_header("Content-Length", str(len(data)))
            if with_body:
                self.write(data)


def no_such_file() -> Reject:
    return Reject("There is no such file.", "not_found")
