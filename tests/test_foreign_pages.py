"""What a browser lets pages of other origins ask of the HTTP interface."""

from __future__ import annotations

import json

import pytest

ORIGIN = "https://pages.example.org"
SETTINGS = {"server": {"allowed_origins": [ORIGIN]}}
ADDRESSES = (
    "/api/v1/stream",
    "/api/v1/stream/some-stream",
    "/api/v1/rooms/general/messages",
    "/plugins/files/upload",
    "/plugins/files/tus",
)


async def preflight(server, address, origin=ORIGIN):
    return await server.http(
        "OPTIONS",
        address,
        headers={
            "Origin": origin,
            "Sec-Fetch-Site": "cross-site",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, last-event-id",
        },
    )


async def test_a_page_of_an_allowed_origin_may_ask_and_read(chat):
    async with chat(plugins=["files"], settings=SETTINGS) as server:
        for address in ADDRESSES:
            answer = await preflight(server, address)
            assert answer.code == 204, address
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert answer.headers["Access-Control-Allow-Headers"] == "authorization, last-event-id"
            assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
            # Such a page has no cookie of ours.
            assert "Access-Control-Allow-Credentials" not in answer.headers
        page = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
        opened = await server.http("POST", "/api/v1/stream", {"name": "alice"}, headers=page)
        assert (opened.code, opened.headers["Access-Control-Allow-Origin"]) == (201, ORIGIN)
        stream = json.loads(opened.body)
        address = f"/api/v1/stream/{stream['stream']}?wait=0"
        token = stream["welcome"]["token"]
        read = await server.http("GET", address, token=token, headers=page)
        assert (read.code, read.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
        # It reads why it was refused, too.
        refused = await server.http("GET", address, token="no-token", headers=page)
        assert (refused.code, refused.headers["Access-Control-Allow-Origin"]) == (404, ORIGIN)
        assert refused.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", ORIGIN + ".evil.org", ORIGIN.upper()])
async def test_a_page_of_any_other_origin_may_not(chat, origin, quiet):
    async with chat(plugins=["files"], settings=SETTINGS) as server:
        for address in ADDRESSES:
            answer = await preflight(server, address, origin)
            assert answer.code == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
        page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        answer = await server.http("GET", "/api/v1/stats", headers=page)
        assert "Access-Control-Allow-Origin" not in answer.headers
        # Nor any page what is no interface.
        assert (await preflight(server, "/healthz")).code == 403
