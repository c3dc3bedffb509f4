"""What both ways of uploading do with a file: where it may go, and what becomes of it once it has come."""

from __future__ import annotations

import asyncio
import secrets
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from chatserver import Handler, Reject, Room, Upload, User

from .kinds import taken
from .preview import preview_of
from .quota import Coming
from .table import File

UNKNOWN = "application/octet-stream"


class Intake(Handler):
    """Base of the handlers that take files."""

    takes_long = True

    async def place(self, user: User, name: str, other: str) -> Room:
        """The room ``name``, or the direct one with the user ``other``, which need not be there before its first
        message. Raises `Reject`."""
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

    async def wanted(self, user: User, room: Room, name: str, size: int) -> Upload:
        """An upload that may begin, as the plugins leave it. Raises `Reject`."""
        asked = Upload(user, room, name, size, UNKNOWN)
        await self.plugin.quota.check(Coming.of(asked, self.remote_ip))
        upload = await self.chat.before_upload(asked)
        # Once more: others of theirs may have begun to arrive meanwhile.
        await self.plugin.quota.check(Coming.of(upload, self.remote_ip))
        return upload

    def announced(self, header: str, field: str) -> int:
        """A size in bytes, as a header tells it. Raises `Reject` without one, as the quota can't be checked then."""
        # Python refuses to read numbers of thousands of digits.
        size = int(header[:20]) if header.isascii() and header.isdigit() else 0
        if not size:
            raise Reject(f"A file with a {field}, please.", "invalid", field=field)
        if size > self.plugin.settings.max_bytes:
            raise Reject(f"A file has {self.plugin.settings.max_bytes} bytes at most.", "too_large")
        return size

    async def stored(self, upload: Upload, partial: Path) -> File:
        """Look into a file that has come whole, and keep it. Raises `Reject`."""
        try:
            file = await self._keep(upload, partial)
        except OSError as error:
            self.plugin.log.error("could not store an upload: %s", error)
            raise not_stored() from error
        self.chat.after_upload(msgspec.structs.replace(upload, mime=file.mime, size=file.size))
        return file

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
            created=self.plugin.now(),
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

    async def _check_may(self, user: User, room: Room | None) -> None:
        if not await self.chat.may(user, "files.upload", room):
            raise Reject("You may not upload files here.", "forbidden")

    def _check_type(self, mime: str) -> None:
        types = self.plugin.settings.types
        if types and not any(fnmatchcase(mime, wanted) for wanted in types):
            raise Reject(f"Files of the type {mime} are not taken here.", "rejected")


def not_stored() -> Reject:
    return Reject("The file could not be stored.", "unavailable")
