"""What each plugin did with a message: changed, refused, took how long."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest

from chatserver.testing import Refused

SLOW = """
import asyncio

from chatserver import Plugin, hookimpl


class Slow(Plugin):
    @hookimpl
    async def before_post(self, draft):
        await asyncio.sleep(0)
        if draft.content == "crash":
            raise KeyError("lost")

    @hookimpl
    def in_commit(self, tx, events):
        pass

    @hookimpl
    async def after_post(self, message):
        await asyncio.sleep(0.002)
"""


@pytest.fixture
def traced(chat, tmp_path):
    """Makes servers that keep what plugins did with the last three messages."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    plugins = {"basics": {}, "moderation": {"words": ["spam"]}, "emoji": {}, "slow": {}}

    def make(trace=3, **options):
        return chat(
            plugins=plugins,
            dirs=[folder],
            accounts={"ann": "admin"},
            settings={"plugins": {"trace": trace}},
            **options,
        )

    return make


async def why(admin, what=""):
    await admin.says(f"/plugins why {what}")
    text = (await admin.hears("notice")).text
    return re.sub(r"[\d.]+ (µs|ms)", "N µs", re.sub(r"\d{4}-\d\d-\d\d [\d:]{8} UTC", "NOW", text))


async def test_an_admin_reads_what_plugins_did_with_a_message(traced, eventually):
    async with traced() as server:
        ann, bob = await server.join("general", "ann", "bob")
        sent = await bob.says(":tada:")
        tracer = server.server.host.current.hooks.tracer
        await eventually(lambda: "after_post" in tracer.why(sent.message_id))
        assert (await why(ann, sent.message_id)).splitlines() == [
            f"{sent.message_id}: by bob in general, NOW",
            "  moderation before_post: N µs",
            "  emoji before_post: N µs, changed content",
            "  slow before_post: N µs",
            "  emoji render: N µs",
            "  slow in_commit: N µs",
            "  slow after_post: N µs",
        ]
        assert await why(ann) == await why(ann, sent.message_id)


async def test_refusals_and_failures_are_kept_too(traced):
    async with traced() as server:
        ann, bob = await server.join("general", "ann", "bob")
        await bob.says("fine")
        with pytest.raises(Refused):
            await bob.says("spam")
        lines = (await why(ann)).splitlines()
        assert lines[-2] == "refused: by bob in general, NOW"
        assert lines[-1].startswith("  moderation before_post: N µs, refused: ")
        sent = await bob.says("crash")
        assert "  slow before_post: N µs, failed: KeyError: 'lost'" in await why(ann, sent.message_id)
        assert "refused" not in await why(ann)
        assert len(server.failures()) == 1


async def test_as_many_are_kept_as_the_settings_say_and_a_reload_keeps_them(traced):
    async with traced() as server:
        ann, bob = await server.join("general", "ann", "bob")
        sent = [await bob.says(f"number {n}") for n in range(5)]
        await server.reload({"basics": {}, "emoji": {}}, {"plugins": {"trace": 3}})
        for each in sent[:2]:
            with pytest.raises(Refused, match="not among the last 3 messages"):
                await why(ann, each.message_id)
        assert sent[2].message_id in await why(ann, sent[2].message_id)
        with pytest.raises(Refused, match="may not use"):
            await bob.says("/plugins why")


async def test_nothing_is_kept_and_nothing_asked_unless_the_settings_say_so(traced):
    async with traced(trace=0) as server:
        ann, bob = await server.join("general", "ann", "bob")
        await bob.says("hello")
        assert server.server.host.current.hooks.tracer is None
        with pytest.raises(Refused, match=r"plugins\.trace"):
            await why(ann)


async def test_the_command_line_asks_the_running_server(process):
    async with process(plugins=["basics", "emoji"], settings={"plugins": {"trace": 10}}) as server:
        bob = await server.client(name="bob")
        await bob.join("general")
        sent = await bob.says(":tada:")
        await bob.leave()

        async def ask(*args):
            command = [
                sys.executable,
                "-m",
                "chatserver",
                "plugins",
                "why",
                *args,
                "--config",
                str(server.config),
            ]
            return await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False
            )

        ran = await ask(sent.message_id)
        assert (ran.returncode, "emoji before_post" in ran.stdout) == (0, True), ran.stderr
        ran = await ask("m0")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "not among the last 10 messages" in ran.stderr
