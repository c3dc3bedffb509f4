"""The fixtures for pytest; the only part of the test kit that needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import Harness


@pytest.fixture
def chat(tmp_path: Path) -> Callable[..., Harness]:
    """Makes servers: ``chat(plugins=…, settings=…)``, see `Harness`."""

    def make(**options: object) -> Harness:
        return Harness(tmp_path, **options)  # type: ignore[arg-type]

    return make
