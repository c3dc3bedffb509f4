"""One Chromium a worker, in one loop: starting it takes longer than most tests."""

from __future__ import annotations

import asyncio

import pytest
import tornado.ioloop
from browser_kit import Chromium, Stage, Windows, free_port
from playwright.async_api import expect

from chatserver.config.settings import DEFAULT_PLUGINS

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser_loop():
    """Not the loop of a single test, as Playwright's connection to the browser belongs to a loop."""
    loop = tornado.ioloop.IOLoop(make_current=False)
    yield loop
    loop.close(all_fds=True)


@pytest.fixture
def io_loop(browser_loop):
    asyncio.set_event_loop(browser_loop.asyncio_loop)
    yield browser_loop
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def chromium(browser_loop):
    """The browser itself."""
    chromium = Chromium()
    browser_loop.run_sync(chromium.start, timeout=30)
    yield chromium.browser
    browser_loop.run_sync(chromium.stop, timeout=30)


@pytest.fixture
def stage(io_loop, chromium, chat):
    """``async with stage() as here``: a server with the bundled plugins in the loop, and windows; see `Stage`."""

    def make(plugins=DEFAULT_PLUGINS, **options):
        return Stage(chromium, chat(plugins=plugins, **options))

    return make


@pytest.fixture
def windows(io_loop, chromium):
    """``async with windows(url) as here``: windows on a server that runs elsewhere; see `Windows`."""

    def make(url):
        return Windows(chromium, url)

    return make


@pytest.fixture
def lasting(process):
    """``async with lasting() as server``: a process with the bundled plugins, at one address over restarts."""

    def make():
        return process(plugins=DEFAULT_PLUGINS, settings={"server": {"port": free_port()}})

    return make
