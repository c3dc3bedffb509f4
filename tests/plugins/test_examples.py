"""Each command has examples in its help, and they work."""

from __future__ import annotations

import pytest

from chatserver.config.settings import DEFAULT_PLUGINS

PLUGINS = [*DEFAULT_PLUGINS, "hello"]
# What undoes an example, and what has to come before one.
AFTER = {
    "/kick bob 10 shouting": "/unban bob",
    "/ban bob": "/unban bob",
    "/ban bob 1d spam": "/unban bob",
    "/server mute bob 1h shouting": "/server unmute bob",
    "/server ban bob 1d spam": "/server unban bob",
}
BEFORE = {
    "/unmute bob": "/mute bob",
    "/unban bob": "/ban bob",
    "/server unmute bob": "/server mute bob",
    "/server unban bob": "/server ban bob",
}
# Tried where there is what it takes away: a second step, in test_totp.py.
ELSEWHERE = {"/totp-off bob"}


async def test_every_example_works(chat):
    async with chat(
        plugins=PLUGINS, settings={"plugins": {"trace": 10}}, accounts={"bob": "member"}
    ) as server:
        ada = await server.account("ada", "admin")
        for command in ada.welcome.commands:
            for example in command["examples"] or [f"/{command['name']}"]:
                if example in ELSEWHERE:
                    continue
                await ada.join("general")
                # Some examples end all of bob's connections.
                bob = await server.client("bob")
                await bob.join("general")
                for text in (BEFORE.get(example), example, AFTER.get(example)):
                    if text is not None:
                        await ada.says(text)


@pytest.mark.parametrize("name", PLUGINS)
async def test_every_plugin_works_alone(chat, name):
    async with chat(plugins=[name]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("hello")
        assert (await bob.hears()).content == "hello"


async def test_every_example_to_copy_works_as_it_is(chat, examples):
    found = sorted(
        path.stem for path in examples.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    )
    assert {"welcome", "karma", "approve", "webhooks", "rss", "translate"} <= set(found)
    settings = {"translate": {"url": "https://translate.example/"}}
    async with chat(plugins={name: settings.get(name, {}) for name in found}, dirs=[examples]) as server:
        _, bob = await server.join("general", "alice", "bob")
        await bob.hears(content="Welcome to General, bob! Say @welcome help.")
