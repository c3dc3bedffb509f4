"""Fixtures for the plugins in examples/: where they are, and another server, which they ask."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

EXAMPLES = Path(__file__).parent.parent / "examples"


class Outside:
    """``answer(request)``, plain or async, gives a status, a body (text or JSON), and headers if there are any;
    ``asked`` are the requests."""

    def __init__(self):
        self.settings = {"plugins": {"private_networks": ["127.0.0.1"]}}
        """What plugins need to be allowed to reach it."""
        self.asked = asyncio.Queue()
        self.answer = lambda request: (200, "")

        class Answer(RequestHandler):
            async def answer(this):
                self.asked.put_nowait(this.request)
                answer = self.answer(this.request)
                status, body, *headers = await answer if inspect.isawaitable(answer) else answer
                for name, value in (headers[0] if headers else {}).items():
                    this.set_header(name, value)
                this.set_status(status)
                if status not in (204, 304):
                    this.write(body)

            get = post = answer

        self._server = HTTPServer(Application([(".*", Answer)]))
        (sock,) = bind_sockets(0, "127.0.0.1")
        self._server.add_socket(sock)
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"

    async def next(self):
        """The next request."""
        return await asyncio.wait_for(self.asked.get(), 10)

    async def sent(self):
        """The JSON of the next request."""
        return json.loads((await self.next()).body)

    def stop(self):
        self._server.stop()


@pytest.fixture
def outside():
    server = Outside()
    yield server
    server.stop()


@pytest.fixture
def examples():
    return EXAMPLES
