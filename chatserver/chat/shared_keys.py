"""The keys that sign JSON Web Tokens, for all servers of a cluster: each gives its own to the others."""

from __future__ import annotations

from functools import partial

import msgspec

from ..accounts.jwt_tokens import JwtTokens
from ..accounts.signing_keys import SigningKey, SigningKeys
from ..store import Connection, Store, facts
from .node_notes import Facts
from .nodes import Nodes

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[SigningKey, ...]).decode


class SharedKeys:
    """Lets a token that one server has signed be good on all."""

    def __init__(self, store: Store, nodes: Nodes, keys: SigningKeys, tokens: JwtTokens) -> None:
        self._store = store
        self._nodes = nodes
        self._keys = keys
        nodes.facts_changed.append(self.exchange)
        tokens.signed = self._signed

    async def exchange(self) -> bool:
        """Give and take; whether something was given. Raises `Reject` while the database can't be reached."""
        text = await self._store.read(partial(facts.read, name=facts.JWT_KEYS))
        there, here = set(_decode(text or "[]")), set(self._keys.good())
        if there - here:
            self._keys.take(there)
        if not here - there:
            return False
        await self._store.write(partial(_add, keys=here))
        return True

    async def _signed(self) -> None:
        if await self.exchange():
            self._nodes.send(Facts())


def _add(conn: Connection, keys: set[SigningKey]) -> None:
    # Another server may have added some meanwhile.
    there = set(_decode(facts.read(conn, facts.JWT_KEYS) or "[]"))
    newest_first = sorted(there | keys, key=lambda key: -key.created)
    facts.write(conn, facts.JWT_KEYS, _encode(newest_first).decode())
