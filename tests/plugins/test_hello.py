"""The README's one-file plugin does what the README says."""

from __future__ import annotations

import inspect

from chatserver_plugins import hello


async def test_it_greets(chat):
    async with chat(plugins=["hello"]) as server:
        (alice,) = await server.join("general", "alice")
        assert (await alice.hears("notice")).text == "Welcome to General. Say /hello!"
        await alice.says("/hello")
        assert (await alice.hears("notice")).text == "Hello, alice!"


def test_it_stays_short():
    code = [line for line in inspect.getsource(hello.Hello).splitlines() if line.strip()]
    assert len(code) <= 10
