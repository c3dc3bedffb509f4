"""``serve --reload`` goes on watching, whatever a reload ends with."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chatserver.config import load
from chatserver.model.errors import PluginError
from chatserver.server.watching import reload_on_change


class Reloading:
    """Stands for the server: its reloads end with these errors, one after the other."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def reload_changed(self, files):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)


@pytest.mark.parametrize(
    ("error", "logged"), [(RuntimeError("disk on fire"), 1), (PluginError("no", "x"), 0)]
)
async def test_it_goes_on_after_an_error(error, logged, tmp_path, eventually, caplog):
    caplog.set_level(logging.INFO)
    config = tmp_path / "config.yaml"
    config.write_text("{}")
    server = Reloading(error)
    watching = asyncio.create_task(reload_on_change(server, load(config, {}), config))
    try:
        await eventually(lambda: "watching" in caplog.text)
        for n in (1, 2):
            config.write_text("{}" + "\n" * n)
            await eventually(lambda n=n: server.asked == n or watching.done())
        assert server.asked == 2
    finally:
        watching.cancel()
    assert sum(record.exc_info is not None for record in caplog.records) == logged
