"""The same sessions over plain HTTP, for networks that let no WebSocket through."""
