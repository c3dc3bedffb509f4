"""Which extension of WebSocket a handshake agrees on (RFC 6455, section 9.1): permessage-deflate, or none."""

from __future__ import annotations

import re

from .deflate import WINDOW_BITS

_NAME = "permessage-deflate"
_AGREED = f"{_NAME}; server_no_context_takeover; client_no_context_takeover"
_BITS = re.compile(r'("?)([89]|1[0-5])\1')
"""A window's size, 8 to 15, as a token or in quotes."""


def agreed(offers: str) -> str | None:
    """The answer to a ``Sec-WebSocket-Extensions``: the first offer that can be met, None for none.

    What is wrong with an offer (RFC 7692, section 7.1) declines that offer, and the next one counts.
    """
    for offer in offers.split(","):
        # What is quoted has to be a token (section 9.1), so it holds neither of the separators.
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name == _NAME and (answer := _answer(parameters)) is not None:
            return answer
    return None


def _answer(parameters: list[str]) -> str | None:
    answer = _AGREED
    seen = set()
    for parameter in parameters:
        name, equals, value = (part.strip() for part in parameter.partition("="))
        bits = _BITS.fullmatch(value)
        if name in seen:
            return None
        seen.add(name)
        match name:
            case "server_no_context_takeover" | "client_no_context_takeover" if not equals:
                pass
            case "client_max_window_bits" if bits or not equals:
                # The largest window is understood anyway, so there is nothing to ask of the client.
                pass
            case "server_max_window_bits" if bits and int(bits[2]) == WINDOW_BITS:
                answer += f"; {name}={WINDOW_BITS}"
            case _:
                # A smaller window for one would be another compression than for the others.
                return None
    return answer
