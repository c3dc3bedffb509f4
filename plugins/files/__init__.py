"""Sharing files and links."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from chatserver import Draft, Event, Message, Plugin, Reject, Route, User, hookimpl, linked, settings

from .arriving import DESCRIPTION, Arriving
from .choice import bucket_of, storage_of
from .download import DownloadHandler, PreviewHandler
from .quota import Quota
from .resumable import BeginHandler, PartHandler, begun_by, resume
from .table import MIGRATIONS, File, Table
from .upload import UploadHandler

UNUSED_SECONDS = 86_400
SWEEP_SECONDS = 3_600
DAY_SECONDS = 86_400
FILES_PER_MESSAGE = 10

Bytes = Annotated[int, msgspec.Meta(ge=1, description="a number of bytes, at least 1")]

Limit = Annotated[int, msgspec.Meta(ge=0)]
OWN = (
    "SELECT id, room, name, size, mime, created FROM files_file"
    " WHERE user_id = :user_id AND gone = 0 ORDER BY created, id"
)


class Files(Plugin):
    """Files travel by HTTP, are kept in a folder or a bucket, and are shown to those who may read the room.

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
        storage: str = ""
        """Where files are kept: empty for the plugin's folder, the whole path of another one, or s3://bucket/prefix."""
        s3_endpoint: str = ""
        """The address of the bucket's server, where it isn't Amazon's."""
        s3_region: str = ""
        """The bucket's region."""
        s3_access_key: str = ""
        """Without keys, those of the environment are used, as boto3 finds them."""
        s3_secret_key: str = ""
        """The secret that goes with it."""

        def __post_init__(self):
            bucket_of(self.storage)
            if bool(self.s3_access_key) != bool(self.s3_secret_key):
                raise ValueError("s3_access_key and s3_secret_key go together")

    @hookimpl
    async def startup(self):
        is_folder = bucket_of(self.settings.storage) is None
        folder = Path(self.settings.storage) if self.settings.storage and is_folder else self.data_dir
        self.table = Table(self.db)
        self.storage = await asyncio.to_thread(storage_of, self.settings, folder)
        try:
            await self.storage.check()
        except OSError as error:
            # It may come back. People chat without files until then.
            self.log.error("the storage can't be reached: %s", error)
        # On the same disk as the folder, so that what is whole only changes its place.
        self.arriving = Arriving(folder)
        self.quota = Quota(self.settings, self.table, self.arriving.free)
        self.receiving: set[Path] = set()
        """Resumable uploads of which a part is on its way."""
        resume(self.arriving, self.quota)
        self.every(SWEEP_SECONDS, self.sweep)
        self.every(DAY_SECONDS, self.clear, first=SWEEP_SECONDS)

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OWN, user_id=user.id)
        return [{"type": "file", **row} for row in rows]

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

    @hookimpl
    async def after_expire(self):
        await self.sweep()

    @hookimpl
    async def erase_user(self, user: User):
        for partial in self.arriving.all_resumable():
            if begun_by(self.arriving, partial) == user.id:
                self.give_up(partial)
        await self.table.give_up_of(user.id)
        await self.sweep()

    async def sweep(self) -> None:
        """Delete files that were given up, and those that no message named within a day.

        An hour is added for messages on their way.
        """
        keep = self.settings.keep_days * DAY_SECONDS
        now = self.now()
        await self.table.age(day_ago=now - DAY_SECONDS, expired=now - keep if keep else None)
        useless = await self.table.useless(unused_before=now - UNUSED_SECONDS - SWEEP_SECONDS)
        # The row goes last: if we stop half-way, the next round finds it again.
        for file_id in useless:
            await self.storage.delete(file_id)
        await self.table.remove(useless)

        self.arriving.clear(now - SWEEP_SECONDS)
        for partial in self.arriving.all_resumable():
            begun = partial.with_suffix(DESCRIPTION).stat().st_mtime
            if begun < now - UNUSED_SECONDS and partial not in self.receiving:
                self.give_up(partial)

    def give_up(self, partial: Path) -> None:
        """Delete a resumable upload."""
        self.quota.coming.pop(partial, None)
        self.arriving.forget(partial)

    async def clear(self) -> None:
        """Delete bytes that belong to no file, as after a restored database."""
        count = 0
        async for found in self.storage.ids(self.now() - SWEEP_SECONDS):
            for file_id in found - await self.table.known(found):
                await self.storage.delete(file_id)
                count += 1
        if count:
            self.log.warning("%d files without an entry were deleted", count)
        await self.storage.tidy(self.now() - UNUSED_SECONDS)

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
        fresh = file.created > self.now() - UNUSED_SECONDS
        return fresh and file.user_id == draft.user.id and file.room == draft.room.name and not file.used
