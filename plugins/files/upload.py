"""``POST /plugins/files/upload?room=NAME``: one file as the body, streamed to disk as it comes."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tornado.web import stream_request_body

from chatserver import Upload, endpoint

from .filenames import received
from .intake import Intake, not_stored
from .quota import Coming

SLOWEST_BYTES_PER_SECOND = 8 * 1024
LEAST_SECONDS = 60


class Place(msgspec.Struct):
    """The room, or the user, that the file is for."""

    room: str = ""
    to: str = ""


@stream_request_body
class UploadHandler(Intake):
    """Headers: ``Content-Length`` and ``X-File-Name`` (percent-encoded UTF-8). ``to=USER`` instead of ``room`` is for
    a direct message. Answers 201 with the attachment as ``file``; its ``id`` goes into the ``files`` of a message."""

    upload: Upload | None = None
    partial: Path | None = None
    full_disk = False

    async def prepare(self) -> None:
        waiting = super().prepare()
        if waiting is not None:
            await waiting
        if self.request.method != "POST":
            return
        user = await self.require_writer()
        name = received(self.request.headers.get("X-File-Name", ""))
        size = self.announced(self.request.headers.get("Content-Length", ""), "Content-Length")
        place = self.query(Place)
        room = await self.place(user, place.room, place.to)
        self._accept(await self.wanted(user, room, name, size))

    async def data_received(self, chunk: bytes) -> None:
        if self.partial is None or self.full_disk:
            return
        try:
            await self.plugin.arriving.append(self.partial, chunk)
        except OSError as error:
            self.plugin.log.error("could not store an upload: %s", error)
            self.full_disk = True

    @endpoint(body=bytes, query=Place, headers=("X-File-Name",), status=201)
    async def post(self) -> None:
        """Upload a file."""
        upload, partial = self.upload, self.partial
        if self.full_disk or upload is None or partial is None:
            raise not_stored()
        # From here on a client that leaves changes nothing.
        self.upload = self.partial = None
        try:
            file = await self.stored(upload, partial)
        finally:
            self._release(partial)
        self.reply({"file": msgspec.to_builtins(file.attachment())}, 201)

    def on_finish(self) -> None:
        self._forget()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._forget()

    def _accept(self, upload: Upload) -> None:
        self.partial = self.plugin.arriving.begin()
        self.upload = upload
        self.plugin.quota.coming[self.partial] = Coming.of(upload, self.remote_ip)
        take_body(self, upload.size)

    def _forget(self) -> None:
        """Give up what has not come to its end."""
        upload, partial = self.upload, self.partial
        self.upload = self.partial = None
        if upload is not None and partial is not None:
            self._release(partial)

    def _release(self, partial: Path) -> None:
        """The upload is over, however it ended."""
        self.plugin.quota.coming.pop(partial, None)
        partial.unlink(missing_ok=True)


def take_body(handler: Intake, size: int) -> None:
    """Set what is for small requests by default: the connection takes no more than was announced, and not for ever."""
    handler.request.connection.set_max_body_size(size)
    handler.request.connection.set_body_timeout(LEAST_SECONDS + size / SLOWEST_BYTES_PER_SECOND)
