"""``POST /plugins/files/upload?room=NAME``: one file as the body, streamed to disk as it comes."""

from __future__ import annotations

import asyncio
import secrets
import time
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
from tornado.web import stream_request_body

from chatserver import Handler, Reject, Room, Upload, User

from .filenames import received
from .kinds import taken
from .preview import preview_of
from .quota import Coming
from .table import File

SLOWEST_BYTES_PER_SECOND = 8 * 1024
LEAST_SECONDS = 60


@stream_request_body
class UploadHandler(Handler):
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
        name, size = received(self.request.headers.get("X-File-Name", "")), self._announced()
        room = await self._room(user)
        asked = Upload(user, room, name, size, "application/octet-stream")
        await self.plugin.quota.check(Coming.of(asked, self.remote_ip))
        upload = await self.chat.before_upload(asked)
        # Once more: others of theirs may have begun to arrive meanwhile.
        await self.plugin.quota.check(Coming.of(upload, self.remote_ip))
        self._accept(upload)

    async def data_received(self, chunk: bytes) -> None:
        if self.partial is None or self.full_disk:
            return
        try:
            await self.plugin.storage.append(self.partial, chunk)
        except OSError as error:
            self.plugin.log.error("could not store an upload: %s", error)
            self.full_disk = True

    async def post(self) -> None:
        upload, partial = self.upload, self.partial
        if self.full_disk or upload is None or partial is None:
            raise _not_stored()
        # From here on a client that leaves changes nothing.
        self.upload = self.partial = None
        try:
            file = await self._keep(upload, partial)
        except OSError as error:
            self.plugin.log.error("could not store an upload: %s", error)
            raise _not_stored() from error
        finally:
            self._release(partial)
        self.reply({"file": msgspec.to_builtins(file.attachment())}, 201)
        self.chat.after_upload(msgspec.structs.replace(upload, mime=file.mime, size=file.size))

    async def _keep(self, upload: Upload, partial: Path) -> File:
        strip = not self.plugin.settings.keep_metadata
        found = await asyncio.to_thread(taken, partial, strip=strip)
        self._check_type(found.mime)
        size = partial.stat().st_size
        await self.chat.before_store(msgspec.structs.replace(upload, mime=found.mime, size=size), partial)
        found, preview = await preview_of(self.plugin, partial, found, size)
        file = File(
            id=secrets.token_hex(16),
            room=upload.room.name,
            user_id=upload.user.id,
            name=upload.name,
            size=size,
            created=time.time(),
            preview=preview is not None,
            address=self.remote_ip,
            **msgspec.structs.asdict(found),
        )
        # The row comes first: bytes without a row would stay for ever, a row without bytes is swept.
        await self.plugin.table.add(file)
        if preview is not None:
            await self.plugin.storage.keep_preview(file.id, preview)
        await self.plugin.storage.keep(partial, file.id)
        return file

    def on_finish(self) -> None:
        self._forget()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._forget()

    async def _room(self, user: User) -> Room:
        """Where the file is for: a direct room need not be there before its first message. Raises `Reject`."""
        other, name = self.get_query_argument("to", ""), self.get_query_argument("room", "")
        if other and name:
            raise Reject("Say room or to, not both.", "invalid", field="to")
        if other:
            room = await self.chat.direct(user, await self.chat.user(other), make=False)
            is_there = await self.chat.may_read(room.name, user=user)
            await self._check_may(user, room if is_there else None)
            return room
        # The same answer for what isn't there and what isn't theirs.
        if not await self.chat.may_read(name, user=user):
            raise Reject(f"There is no room {name!r}.", "not_found", field="room")
        room = await self.chat.room(name)
        await self._check_may(user, room)
        return room

    def _announced(self) -> int:
        """The announced size in bytes. Raises `Reject` without one, as the quota can't be checked then."""
        header = self.request.headers.get("Content-Length", "")
        # Python refuses to read numbers of thousands of digits.
        size = int(header[:20]) if header.isascii() and header.isdigit() else 0
        if not size:
            raise Reject("A file with a Content-Length, please.", "invalid", field="Content-Length")
        if size > self.plugin.settings.max_bytes:
            raise Reject(f"A file has {self.plugin.settings.max_bytes} bytes at most.", "too_large")
        return size

    async def _check_may(self, user: User, room: Room | None) -> None:
        if not await self.chat.may(user, "files.upload", room):
            raise Reject("You may not upload files here.", "forbidden")

    def _check_type(self, mime: str) -> None:
        types = self.plugin.settings.types
        if types and not any(fnmatchcase(mime, wanted) for wanted in types):
            raise Reject(f"Files of the type {mime} are not taken here.", "rejected")

    def _accept(self, upload: Upload) -> None:
        self.partial = self.plugin.storage.begin()
        self.upload = upload
        self.plugin.quota.coming[self.partial] = Coming.of(upload, self.remote_ip)
        # Set for small requests by default. The connection takes no more than what was announced, and not for ever.
        self.request.connection.set_max_body_size(upload.size)
        self.request.connection.set_body_timeout(LEAST_SECONDS + upload.size / SLOWEST_BYTES_PER_SECOND)

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


def _not_stored() -> Reject:
    return Reject("The file could not be stored.", "unavailable")
