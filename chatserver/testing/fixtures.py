"""The fixtures for pytest, and what runs async tests; the only part of the test kit that needs it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .harness import Harness
from .process import ServerProcess

if TYPE_CHECKING:
    from .browser import Windows

# What a conftest.py gets with `from chatserver.testing.fixtures import *`.
__all__ = ["browser", "chat", "process", "pytest_pyfunc_call"]

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


@pytest.fixture
def browser() -> Callable[[Harness], AbstractAsyncContextManager[Windows]]:
    """Opens a real browser: ``async with browser(server) as windows``, see `chatserver.testing.browser.Windows`.

    A test of it is skipped where Playwright, or a Chromium for it, is not installed.
    """
    playwright = "the browser part is not tested: pip install playwright && playwright install chromium"
    pytest.importorskip("playwright.async_api", reason=playwright)
    from .browser import Chromium, NoChromium, Windows

    @asynccontextmanager
    async def opened(server: Harness) -> AsyncIterator[Windows]:
        chromium = Chromium()
        try:
            await chromium.start()
        except NoChromium as error:
            pytest.skip(f"the browser part is not tested: {error}")
        try:
            async with Windows(chromium.browser, server.url) as windows:
                yield windows
        finally:
            await chromium.stop()

    return opened


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test, unless pytest-tornasync is there to do it. Those that other plugins run are no longer
    async when they come here."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function) or pyfuncitem.config.pluginmanager.has_plugin("tornado"):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(function).parameters}
    asyncio.run(asyncio.wait_for(function(**arguments), TEST_SECONDS))
    return True
