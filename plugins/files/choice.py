"""Which storage the settings name."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from .folder import Folder
from .storage import Storage

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\w./-]*))?", re.ASCII)


def bucket_of(storage: str) -> tuple[str, str] | None:
    """Bucket and prefix of a setting such as ``s3://bucket/prefix``, None for a folder.

    Raises ValueError for a setting that is neither.
    """
    if not storage.startswith("s3://"):
        if storage and ("://" in storage or not Path(storage).is_absolute()):
            raise ValueError(
                "storage: empty, a folder's whole path such as /srv/files, or s3://bucket/prefix"
            )
        return None
    found = _BUCKET.fullmatch(storage)
    if found is None:
        raise ValueError("storage: s3:// takes a bucket's name, and perhaps / and a prefix: s3://bucket/chat")
    if importlib.util.find_spec("boto3") is None:
        raise ValueError("storage: s3:// needs boto3: pip install 'chatserver[s3]'")
    prefix = (found[2] or "").strip("/")
    return found[1], f"{prefix}/" if prefix else ""


def storage_of(settings: Any, folder: Path) -> Storage:
    """The storage that the settings name; ``folder`` is for files on the disk. Blocks."""
    bucket = bucket_of(settings.storage)
    if bucket is None:
        return Folder(folder)
    # Not imported where it isn't used: boto3 takes some 30 MB.
    from .bucket import Bucket

    return Bucket(*bucket, settings)
