"""All servers that can be measured, by name."""

from __future__ import annotations

from . import chat, peers
from .launch import Server

SERVERS: dict[str, Server] = {**chat.variants(), **{server.name: server for server in peers.ALL}}
