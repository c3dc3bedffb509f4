"""Files in a bucket of Amazon S3, or of another server that speaks its protocol, such as MinIO, Ceph or Garage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from .storage import READ_BYTES, id_of, place, preview_place

T = TypeVar("T")

THREADS = 8
"""How many requests run at once. A bucket that hangs holds up no other work of the server."""
PART_BYTES = 16 * 1024 * 1024
"""A larger file is sent in parts, of which there may be 10,000."""
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED = frozenset({"403", "301", "400", "NoSuchBucket", "AccessDenied", "Forbidden"})


class Bucket:
    """A `Storage` in a bucket, below ``prefix``. Blocks while it is made, but asks the server for nothing yet."""

    def __init__(self, bucket: str, prefix: str, settings: Any) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client = boto3.session.Session().client(
            "s3",
            # What is not set comes from where boto3 looks for it: AWS_… variables, ~/.aws, the machine's role.
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region or None,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                max_pool_connections=2 * THREADS,
                retries={"mode": "standard", "total_max_attempts": 3},
                # Servers other than Amazon's know buckets by path alone, and not the newer checksums.
                s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._transfer = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=2
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files-s3")

    async def check(self) -> None:
        try:
            await self._call(self._client.head_bucket)
        except (Refused, FileNotFoundError) as error:
            raise ValueError(
                f"storage: {error}. Look at the bucket's name, s3_endpoint, s3_region and the keys"
            ) from None

    async def keep(self, path: Path, file_id: str) -> None:
        name, key = str(path), self._key(place(file_id))
        await self._run(lambda: self._client.upload_file(name, self._bucket, key, Config=self._transfer))
        path.unlink()

    async def keep_preview(self, file_id: str, data: bytes) -> None:
        await self._call(self._client.put_object, Key=self._key(preview_place(file_id)), Body=data)

    async def preview(self, file_id: str) -> bytes:
        def fetched() -> bytes:
            key = self._key(preview_place(file_id))
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return data

        return await self._run(fetched)

    async def has(self, file_id: str) -> bool:
        try:
            await self._call(self._client.head_object, Key=self._key(place(file_id)))
        except FileNotFoundError:
            return False
        return True

    async def read(self, file_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        wanted = {"Key": self._key(place(file_id)), "Range": f"bytes={start}-{end - 1}"}
        body = (await self._call(self._client.get_object, **wanted))["Body"]
        try:
            while start < end:
                size = min(READ_BYTES, end - start)
                chunk: bytes = await self._run(lambda size=size: body.read(size))
                if not chunk:
                    raise OSError(f"{self._told(file_id)} is shorter than it was")
                start += len(chunk)
                yield chunk
        finally:
            body.close()

    async def delete(self, file_id: str) -> None:
        for name in (place(file_id), preview_place(file_id)):
            await self._call(self._client.delete_object, Key=self._key(name))

    async def ids(self, before: float) -> AsyncIterator[set[str]]:
        then = datetime.fromtimestamp(before, UTC)
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        )
        while (page := await self._run(lambda: next(pages, None))) is not None:
            old = [each["Key"] for each in page.get("Contents", ()) if each["LastModified"] < then]
            yield {file_id for key in old if (file_id := id_of(key.removeprefix(self._prefix)))}

    async def tidy(self, before: float) -> None:
        then = datetime.fromtimestamp(before, UTC)
        pages = self._client.get_paginator("list_multipart_uploads")
        asked = pages.paginate(Bucket=self._bucket, Prefix=self._prefix)
        begun = await self._run(lambda: [each for page in asked for each in page.get("Uploads", ())])
        for each in begun:
            ours = id_of(each["Key"].removeprefix(self._prefix))
            if ours and each["Initiated"] < then:
                await self._call(
                    self._client.abort_multipart_upload, Key=each["Key"], UploadId=each["UploadId"]
                )

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _told(self, what: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{what}"

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        return await self._run(lambda: method(Bucket=self._bucket, **arguments))

    async def _run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, from a thread. Raises FileNotFoundError, `Refused` or another OSError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            kind = FileNotFoundError if code in _ABSENT else Refused if code in _REFUSED else OSError
            raise kind(f"{self._told('')}: {error}") from error
        except NoCredentialsError as error:
            raise Refused(f"{self._told('')}: {error}") from error
        except (BotoCoreError, Boto3Error) as error:
            raise OSError(f"{self._told('')}: {error}") from error


class Refused(OSError):
    """The storage is there and says no: waiting doesn't help."""
