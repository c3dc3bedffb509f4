"""``chatserver search rebuild``: the running server makes the index anew, and the command shows how far it is."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from chatserver.model.errors import ConfigError
from chatserver.server.cli import commands


async def command(server, *words):
    """What a command of the admin's prints, and its exit code."""
    words = [*words, "--config", str(server.config)]
    result = await asyncio.to_thread(CliRunner().invoke, commands, words)
    if isinstance(result.exception, ConfigError):
        raise result.exception
    return result.output, result.exit_code


async def test_an_index_is_made_anew_by_command(process, tmp_path):
    async with process(plugins=["search", "history"]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        for number in range(20):
            await alice.says(f"red {number}", "general")
        with closing(sqlite3.connect(next(tmp_path.rglob("chat.db")), timeout=20)) as database:
            # What follows the log may still be at the last of them, and write it again.
            while (await alice.ask("search", query="red")).results:
                database.execute("DELETE FROM search_doc")
                database.commit()
        output, code = await command(server, "search", "rebuild")
        assert (code, "events were read" in output) == (0, True), output
        assert len((await alice.ask("search", query="red")).results) == 20
        await alice.leave()
        output, code = await command(server, "plugin", "rebuild", "history")
        assert (code, output) == (
            1,
            "The plugin history makes nothing of the logs that could be made anew.\n",
        )
    with pytest.raises(ConfigError, match="no server runs"):
        await command(server, "search", "rebuild")
