"""The fixtures for pytest; the only part of the test kit that needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import Harness
from .process import ServerProcess


@pytest.fixture
def chat(tmp_path: Path) -> Callable[..., Harness]:
    """Makes servers: ``chat(plugins=…, settings=…)``, see `Harness`."""

    def make(**options: object) -> Harness:
        return Harness(tmp_path, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., ServerProcess]:
    """Makes servers in processes of their own: ``process(plugins=…, settings=…)``, see `ServerProcess`."""

    def make(**options: object) -> ServerProcess:
        return ServerProcess(tmp_path, **options)  # type: ignore[arg-type]

    return make
