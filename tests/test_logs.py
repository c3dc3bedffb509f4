"""What the server writes about itself: the fields of a line in JSON."""

from __future__ import annotations

import json
import re
import signal

BROKEN = """
import logging
from chatserver import Plugin, hookimpl

class Broken(Plugin):
    @hookimpl
    def startup(self):
        try:
            raise ValueError("no such thing\\nin two lines")
        except ValueError:
            self.log.exception("it failed: %s", "ваза", extra={"attempt": 3})
"""


async def test_a_line_is_one_object_with_the_documented_fields(process, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    settings = {"log": {"format": "json", "level": "info"}}
    async with process(plugins=["broken"], dirs=[tmp_path], settings=settings) as server:
        server.signal(signal.SIGTERM)
        assert await server.ended(10) == 0
    lines = [json.loads(line) for line in server.errors().splitlines()]
    (line,) = [line for line in lines if line["level"] == "error"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop("time"))
    assert line.pop("error").startswith("Traceback")
    assert line == {
        "level": "error", "logger": "chatserver.plugin.broken", "message": "it failed: ваза",
        "attempt": 3,
    }  # fmt: skip
    assert "ваза" in server.errors()
