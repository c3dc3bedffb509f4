"""All servers that can be measured, by name."""

from __future__ import annotations

from . import chat, peers
from .launch import Server

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        chat.variant("chatserver"),
        chat.variant("chatserver-durable", url="sqlite:"),
        chat.variant("chatserver-stream", transport="stream"),
        chat.variant("chatserver-normal", url="sqlite:", durability="normal"),
        chat.variant("chatserver-plugins", plugins=chat.BUNDLED),
        chat.variant("chatserver-product", url="sqlite:", plugins=chat.BUNDLED),
        chat.variant("chatserver-hooks", plugins=chat.BUNDLED, program=("benchmarks.instrumented",)),
        *(chat.variant(f"chatserver+{name}", plugins=[name]) for name in chat.BUNDLED),
        *peers.ALL,
    )
}
