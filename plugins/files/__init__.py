"""Sharing files and links."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from chatserver import Draft, Event, Message, Plugin, Reject, Route, User, hookimpl, linked, settings

from .download import DownloadHandler, PreviewHandler
from .quota import Quota
from .resumable import BeginHandler, PartHandler, resume
from .storage import DESCRIPTION, Storage
from .table import MIGRATIONS, File, Table
from .upload import UploadHandler

UNUSED_SECONDS = 86_400
SWEEP_SECONDS = 3_600
DAY_SECONDS = 86_400
FILES_PER_MESSAGE = 10

Bytes = Annotated[int, msgspec.Meta(ge=1, description="a number of bytes, at least 1")]

Limit = Annotated[int, msgspec.Meta(ge=0)]


class Files(Plugin):
    """Files travel by HTTP, are kept in the plugin's own folder, and are shown to those who may read the room.

    A file is uploaded first and named by a message afterwards. What no message names is deleted after a day; what a
    message names goes with it.
    """

    migrations = MIGRATIONS

    @settings
    class Settings:
        max_bytes: Bytes = 25 * 1024 * 1024
        """The largest file."""
        quota_bytes: Bytes = 1024 * 1024 * 1024
        """What one user may keep here in all."""
        room_quota_bytes: Limit = 0
        """What all files of a room may take; 0 for any."""
        address_quota_bytes: Limit = 10 * 1024 * 1024 * 1024
        """What may be uploaded from one address within a day; 0 for any."""
        server_quota_bytes: Limit = 0
        """What all files may take; 0 for any."""
        free_bytes: Limit = 1024 * 1024 * 1024
        """What has to stay free on the disk; 0 for nothing."""
        keep_days: Annotated[float, msgspec.Meta(ge=0)] = 0
        """After so many days files are deleted; 0 for never."""
        types: tuple[str, ...] = ()
        """The content types that are taken, such as ``image/*``; all if none is named."""
        keep_metadata: bool = False
        """Whether pictures keep what they say of their place, camera and time."""

    @hookimpl
    def startup(self):
        self.table = Table(self.db)
        self.storage = Storage(self.data_dir)
        self.quota = Quota(self.settings, self.table, self.storage.free)
        self.storage.clear_partial()
        self.receiving: set[Path] = set()
        """Resumable uploads of which a part is on its way."""
        resume(self.storage, self.quota)
        self.every(SWEEP_SECONDS, self.sweep)
        self.every(DAY_SECONDS, self.clear, first=SWEEP_SECONDS)

    @hookimpl
    def register_permissions(self):
        return {"files.upload": "guest"}

    @hookimpl
    def register_routes(self):
        return [
            Route("upload", UploadHandler),
            Route("tus", BeginHandler),
            Route("tus/([0-9a-f]{32})", PartHandler),
            Route("f/([0-9a-f]{32})/[^/]+", DownloadHandler),
            Route("p/([0-9a-f]{32})", PreviewHandler),
        ]

    @hookimpl
    def client_settings(self, user: User):
        return {"max_bytes": self.settings.max_bytes}

    @hookimpl
    def before_post(self, draft: Draft):
        # Messages without files, which are nearly all, don't become a coroutine for it.
        return self._attach(draft) if draft.files else None

    @hookimpl
    def render(self, draft: Draft):
        return linked(draft.html or "")

    @hookimpl(events=("message", "deleted"))
    def in_commit(self, tx, events: Sequence[Event]):
        for event in events:
            if event.type == "message" and event.message is not None:
                self.table.attach(tx, event.message)
            elif event.type == "deleted" and event.message_id is not None:
                self.table.give_up(tx, event.message_id)

    @hookimpl
    async def after_delete(self, message: Message):
        await self.sweep()

    async def sweep(self) -> None:
        """Delete files that were given up, and those that no message named within a day.

        An hour is added for messages on their way.
        """
        keep = self.settings.keep_days * DAY_SECONDS
        now = time.time()
        await self.table.age(day_ago=now - DAY_SECONDS, expired=now - keep if keep else None)
        useless = await self.table.useless(unused_before=time.time() - UNUSED_SECONDS - SWEEP_SECONDS)
        # The row goes last: if we stop half-way, the next round finds it again.
        for file_id in useless:
            await self.storage.delete(file_id)
        await self.table.remove(useless)

        for partial in self.storage.all_resumable():
            begun = partial.with_suffix(DESCRIPTION).stat().st_mtime
            if begun < now - UNUSED_SECONDS and partial not in self.receiving:
                self.give_up(partial)

    def give_up(self, partial: Path) -> None:
        """Delete a resumable upload."""
        self.quota.coming.pop(partial, None)
        self.storage.forget(partial)

    async def clear(self) -> None:
        """Delete bytes that belong to no file, as after a restored database."""
        count = await self.storage.clear(await self.table.known(), time.time() - SWEEP_SECONDS)
        if count:
            self.log.warning("%d files without an entry were deleted", count)

    async def _attach(self, draft: Draft) -> Draft:
        if len(draft.files) > FILES_PER_MESSAGE:
            raise Reject(f"A message has {FILES_PER_MESSAGE} files at most.", "invalid", field="files")
        found = await self.table.find(draft.files)
        usable = [file for file in found if self._usable(file, draft)]
        if {file.id for file in usable} != set(draft.files) or len(usable) < len(draft.files):
            raise Reject("Such a file was not uploaded here.", "invalid", field="files")
        usable.sort(key=lambda file: draft.files.index(file.id))
        return draft.replace(attachments=draft.attachments + tuple(file.attachment() for file in usable))

    def _usable(self, file: File, draft: Draft) -> bool:
        fresh = file.created > time.time() - UNUSED_SECONDS
        return fresh and file.user_id == draft.user.id and file.room == draft.room.name and not file.used
