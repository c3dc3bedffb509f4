"""The description of the HTTP interface: whole, true, and no request by it breaks the server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from chatserver.config.settings import DEFAULT_PLUGINS

CHECKS = (
    "not_a_server_error",
    "content_type_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
LEFT_OUT = ("/api/v1/logout", "/api/v1/stream/{id}")
"""The first ends the session that asks, the second answers when there is something to tell."""


async def document(server):
    answer = await server.http("GET", "/api/v1/openapi.json")
    assert answer.code == 200
    return msgspec.json.decode(answer.body)


SHOP = """
import msgspec
from chatserver import Handler, Plugin, Route, endpoint, hookimpl

class Taken(msgspec.Struct):
    of: str
    many: int = 1

class Shelf(Handler):
    @endpoint(query=Taken)
    async def get(self, number: str) -> None:
        "What lies on a shelf."
        asked = self.query(Taken)
        self.reply({"number": number, "of": asked.of, "many": asked.many})

    @endpoint(body=Taken)
    async def post(self, number: str) -> None:
        "Put something on a shelf."
        self.body(dict)

class Shop(Plugin):
    @hookimpl
    def register_routes(self):
        return [Route("shelf/([0-9]+)", Shelf)]
"""
SHELF = "/plugins/shop/shelf"


@pytest.fixture
def shop(tmp_path):
    """The options of a server with a plugin that has a shelf."""
    (tmp_path / "shop.py").write_text(SHOP)
    return {"plugins": ["shop"], "dirs": [tmp_path]}


async def asked(server, method, path, body=None):
    answer = await server.http(method, path, body)
    return answer.code, msgspec.json.decode(answer.body)


async def test_every_request_says_what_it_is_for(chat):
    async with chat(plugins=DEFAULT_PLUGINS) as server:
        found = await document(server)
    operations = [each for methods in found["paths"].values() for each in methods.values()]
    assert not [each["operationId"] for each in operations if not each.get("summary")]
    assert len({each["operationId"] for each in operations}) == len(operations) > 50


async def test_a_plugins_endpoints_are_described_as_long_as_it_is_on(chat, shop):
    async with chat(**shop) as server:
        shelf = (await document(server))["paths"][f"{SHELF}/{{number}}"]
        assert shelf["get"]["summary"] == "What lies on a shelf."
        number, of, many = shelf["get"]["parameters"]
        assert number["schema"] == {"type": "string", "pattern": "^[0-9]+$"}
        assert (of["name"], of["required"], many["schema"]) == ("of", True, {"type": "integer", "default": 1})
        found = await asked(server, "GET", f"{SHELF}/7?of=tea&many=2&more=x")
        assert found == (200, {"number": "7", "of": "tea", "many": 2})
        for query, field in (("many=2", "of"), ("of=tea&many=two", "many"), ("of=tea&many=", "many")):
            code, answer = await asked(server, "GET", f"{SHELF}/7?{query}")
            assert (code, answer["error"]["code"], answer["error"]["field"]) == (400, "invalid", field)
        await server.reload([])
        assert f"{SHELF}/{{number}}" not in (await document(server))["paths"]


async def test_what_is_read_is_what_is_described(chat, shop):
    """A handler whose description names another type fails at the first request, and so in its own test."""
    async with chat(**shop) as server:
        code, answer = await asked(server, "POST", f"{SHELF}/7", {"of": "tea"})
        assert (code, answer["error"]["code"]) == (503, "plugin_failed")
        (failure,) = server.failures()
        assert "doesn't say body=dict" in str(failure)


async def test_random_requests_by_the_description_break_nothing(chat, tmp_path):
    """With EXAMPLES=n so many for each request, other ones each time, and all the limits of what each takes besides."""
    examples = os.environ.get("EXAMPLES")
    some = ["--phases", "fuzzing", "--max-examples", "4", "--seed", "1"]
    many = ["--phases", "coverage,fuzzing", "--max-examples", examples or ""]
    async with chat(plugins=DEFAULT_PLUGINS) as server:
        admin = await server.account("root", role="admin")
        run = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("schemathesis"), "run", f"{server.url}/api/v1/openapi.json",
            "--header", f"Authorization: Bearer {admin.token}", "--checks", ",".join(CHECKS),
            *(part for path in LEFT_OUT for part in ("--exclude-path", path)),
            *(many if examples else some), "--no-shrink", "--warnings", "off",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await run.communicate()
        assert run.returncode == 0, said.decode()[-8000:]
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("still here")
        await bob.hears(content="still here")
        assert not server.failures()
