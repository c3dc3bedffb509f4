"""The wire protocol, ``chat.v1``: `requests` come in, `events` go out. Only here are JSON field names known."""
