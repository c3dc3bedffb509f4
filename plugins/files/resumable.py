"""Uploads that go on where they broke off: tus 1.0 with the extensions creation and termination.

``POST /plugins/files/tus`` begins one, ``PATCH /plugins/files/tus/ID`` brings the next part, ``HEAD`` tells how much is
there, ``GET`` the file once all of it is, ``DELETE`` gives it up. See https://tus.io/protocols/resumable-upload.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from urllib.parse import quote

import msgspec
from tornado.web import stream_request_body

from chatserver import Reject, User, endpoint

from .arriving import Arriving
from .filenames import received
from .intake import Intake, not_stored
from .quota import Coming, Quota
from .upload import take_body

VERSION = "1.0.0"
PART = "application/offset+octet-stream"


class Begun(msgspec.Struct):
    """What is known of an upload that has begun: kept beside its bytes, over restarts too."""

    user: str
    room: str
    to: str
    name: str
    size: int
    address: str
    place: str
    """The name of the room that it counts for."""
    file: dict[str, object] | None = None
    """What became of it, once it was whole."""


class Tus(Intake):
    """What all answers have."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Tus-Resumable", VERSION)
        self.set_header("Tus-Version", VERSION)

    @endpoint(status=204, anonymous=True)
    def options(self, *_: str) -> None:
        """What uploads that go on can do."""
        self.set_header("Tus-Extension", "creation,termination")
        self.set_header("Tus-Max-Size", str(self.plugin.settings.max_bytes))
        self.set_status(204)

    def check_version(self) -> None:
        if self.request.headers.get("Tus-Resumable") != VERSION:
            raise Reject(f"Tus-Resumable: {VERSION}, please.", "invalid", field="Tus-Resumable")


class BeginHandler(Tus):
    """``Upload-Length``; ``room`` or ``to``, and ``filename``, in ``Upload-Metadata`` or the query."""

    @endpoint(headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"), status=201)
    async def post(self) -> None:
        """Begin an upload that can go on."""
        user = await self.require_writer()
        self.check_version()
        told = metadata(self.request.headers.get("Upload-Metadata", ""))
        size = self.announced(self.request.headers.get("Upload-Length", ""), "Upload-Length")
        name, other = (self.get_query_argument(key, told.get(key, "")) for key in ("room", "to"))
        room = await self.place(user, name, other)
        upload = await self.wanted(user, room, received(quote(told.get("filename", ""))), size)
        begun = Begun(user.id, name, other, upload.name, size, self.remote_ip, upload.room.name)
        partial = self.plugin.arriving.begin_resumable(msgspec.json.encode(begun))
        self.plugin.quota.coming[partial] = Coming.of(upload, self.remote_ip)
        self.set_header("Location", f"/plugins/files/tus/{partial.name}")
        self.set_status(201)


@stream_request_body
class PartHandler(Tus):
    """Of one upload one part comes at a time."""

    partial: Path | None = None
    begun: Begun
    caller: User
    offset = 0
    failed = False

    async def prepare(self) -> None:
        waiting = super().prepare()
        if waiting is not None:
            await waiting
        if self.request.method == "OPTIONS":
            return
        self.caller = await self.require_user()
        if self.request.method != "GET":
            self.check_version()
        partial = self.plugin.arriving.resumable(str(self.path_args[0]))
        described = self.plugin.arriving.described(partial)
        self.begun = (
            msgspec.json.decode(described, type=Begun) if described else Begun("", "", "", "", 0, "", "")
        )
        # The same answer for what isn't there and what isn't theirs.
        if self.begun.user != self.caller.id:
            raise Reject("There is no such upload.", "not_found")
        self.offset = self.begun.size if self.begun.file else partial.stat().st_size
        if self.request.method == "PATCH":
            await self._begin_part(partial)

    async def _begin_part(self, partial: Path) -> None:
        headers = self.request.headers
        if headers.get("Content-Type") != PART:
            raise Reject(f"The part of a file is {PART}.", "invalid", field="Content-Type")
        if headers.get("Upload-Offset") != str(self.offset) or self.begun.file:
            raise Reject(
                f"{self.offset} bytes are there: it goes on from them.", "conflict", field="Upload-Offset"
            )
        if partial in self.plugin.receiving:
            raise Reject("A part of this file is on its way already.", "conflict")
        if int((headers.get("Content-Length") or "0")[:20]) > self.begun.size - self.offset:
            raise too_much()
        take_body(self, self.begun.size - self.offset)
        self.plugin.receiving.add(partial)
        self.partial = partial

    async def data_received(self, chunk: bytes) -> None:
        if self.partial is None or self.failed:
            return
        try:
            # A body without a length may bring more than was announced.
            await self.plugin.arriving.append(self.partial, chunk[: self.begun.size - self.offset])
            self.offset += len(chunk)
        except OSError as error:
            self.plugin.log.error("could not store an upload: %s", error)
            self.failed = True

    @endpoint(headers=("Tus-Resumable",))
    def head(self, _: str) -> None:
        """How much has come."""
        self.set_header("Upload-Offset", str(self.offset))
        self.set_header("Upload-Length", str(self.begun.size))

    @endpoint(headers=("Tus-Resumable",))
    def get(self, _: str) -> None:
        """The file, once it has come whole."""
        if self.begun.file is None:
            raise Reject("It has not come whole.", "conflict")
        self.reply({"file": self.begun.file})

    @endpoint(body=bytes, headers=("Tus-Resumable", "Upload-Offset"), status=204)
    async def patch(self, _: str) -> None:
        """Send the next part."""
        partial = self.partial
        if partial is None or self.failed:
            raise not_stored()
        if self.offset > self.begun.size:
            raise too_much()
        if self.offset == self.begun.size:
            await self._finish(partial)
        self.set_header("Upload-Offset", str(self.offset))
        self.set_status(204)

    async def _finish(self, partial: Path) -> None:
        try:
            # Permissions may be others by now, and so may be the room.
            room = await self.place(self.caller, self.begun.room, self.begun.to)
            coming = self.plugin.quota.coming.pop(partial, None)
            upload = await self.wanted(self.caller, room, self.begun.name, self.begun.size)
            if coming is not None:
                self.plugin.quota.coming[partial] = coming
            file = await self.stored(upload, partial)
        except Reject:
            self.plugin.give_up(partial)
            raise
        self.plugin.quota.coming.pop(partial, None)
        self.begun.file = msgspec.to_builtins(file.attachment())
        self.plugin.arriving.describe(partial, msgspec.json.encode(self.begun))

    @endpoint(headers=("Tus-Resumable",), status=204)
    async def delete(self, _: str) -> None:
        """Give an upload up."""
        partial = self.plugin.arriving.resumable(str(self.path_args[0]))
        if partial in self.plugin.receiving:
            raise Reject("A part of this file is on its way.", "conflict")
        self.plugin.give_up(partial)
        self.set_status(204)

    def on_finish(self) -> None:
        self._over()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._over()

    def _over(self) -> None:
        """What has come stays for the next part."""
        partial, self.partial = self.partial, None
        if partial is not None:
            self.plugin.receiving.discard(partial)


def too_much() -> Reject:
    return Reject("That is more than was announced.", "too_large")


def resume(arriving: Arriving, quota: Quota) -> None:
    """After a start: what has begun counts for the quotas, as before."""
    for partial in arriving.all_resumable():
        begun = msgspec.json.decode(arriving.described(partial) or b"", type=Begun)
        if begun.file is None:
            quota.coming[partial] = Coming(begun.user, begun.place, begun.address, begun.size)


def begun_by(arriving: Arriving, partial: Path) -> str:
    """The id of the user who sends it."""
    return msgspec.json.decode(arriving.described(partial) or b"", type=Begun).user


def metadata(header: str) -> dict[str, str]:
    """The pairs of an ``Upload-Metadata``. Raises `Reject` for what is none."""
    found = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise Reject(
                "Keys, each with a value in base64, please.", "invalid", field="Upload-Metadata"
            ) from None
    return found
