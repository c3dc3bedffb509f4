"""Which of the enabled plugins an admin has switched off in the chat: a file in the data folder, as the settings are a
person's own file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ..model.errors import ConfigError

FILE = "plugins_off.json"


def read(data_dir: Path) -> tuple[str, ...]:
    """The names of the plugins. Raises ConfigError."""
    path = data_dir / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[str, ...])
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=str(path)) from None
    except (msgspec.DecodeError, UnicodeError):
        raise ConfigError(
            "is not what /plugins off writes",
            file=str(path),
            expected='a list of names such as ["karma"], or no such file',
        ) from None


def write(data_dir: Path, names: Iterable[str]) -> None:
    """Keep the names of the plugins, the file as a whole. Raises OSError."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = data_dir / f".{FILE}"
    beside.write_bytes(msgspec.json.encode(sorted(set(names))))
    os.replace(beside, data_dir / FILE)
