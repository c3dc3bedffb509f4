"""The fixtures for pytest, and what runs async tests; the only part of the test kit that needs it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import Harness
from .process import ServerProcess

# What a conftest.py gets with `from chatserver.testing.fixtures import *`.
__all__ = ["chat", "process", "pytest_pyfunc_call"]

TEST_SECONDS = 60.0
"""How long an async test may take."""


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


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test, unless pytest-tornasync is there to do it. Those that other plugins run are no longer
    async when they come here."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function) or pyfuncitem.config.pluginmanager.has_plugin("tornado"):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(function).parameters}
    asyncio.run(asyncio.wait_for(function(**arguments), TEST_SECONDS))
    return True
