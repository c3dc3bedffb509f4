"""What a handshake agrees on, whatever is offered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.web.websocket.extensions import agreed

PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    "offers",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",  # Chromium, Firefox
        'permessage-deflate;client_max_window_bits="8"',
        "permessage-deflate ; client_max_window_bits = 15",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate; unheard_of, permessage-deflate; client_max_window_bits=9, permessage-deflate; nonsense",
    ],
)
def test_an_offer_that_can_be_met(offers):
    assert agreed(offers) == PLAIN


@pytest.mark.parametrize("value", ["15", '"15"'])
def test_a_largest_window_is_promised_where_it_is_asked_for(value):
    assert (
        agreed(f"permessage-deflate; server_max_window_bits={value}") == PLAIN + "; server_max_window_bits=15"
    )


@pytest.mark.parametrize(
    "offers",
    [
        "",
        ",",
        "permessage-bzip2",
        "deflate; permessage-deflate",
        "permessage-deflate; unheard_of",
        "permessage-deflate; unheard_of=1",
        "permessage-deflate;",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=15",
        "permessage-deflate; server_max_window_bits",
        *(
            f"permessage-deflate; client_max_window_bits={n}"
            for n in ("", "7", "16", "08", "1e1", '"15', "-9")
        ),
        *(
            f"permessage-deflate; server_max_window_bits={n}"
            for n in ("", "7", "16", "015", "015 ", '15"', "٩")
        ),
        # Valid, but one window is for all.
        *(f"permessage-deflate; server_max_window_bits={n}" for n in range(8, 15)),
    ],
)
def test_an_offer_that_is_declined(offers):
    assert agreed(offers) is None


@given(st.text())
def test_any_text_is_declined_or_agreed_to(text):
    assert agreed(text) in (None, PLAIN, PLAIN + "; server_max_window_bits=15")


parameters = st.tuples(
    st.sampled_from(
        ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
         "client_max_window_bits", "other"]
    ),
    st.sampled_from(["", "=8", "=12", "=15", '="15"', "=16", "="]),
)  # fmt: skip


@given(st.lists(st.lists(parameters, max_size=4), max_size=4))
def test_the_first_offer_that_can_be_met_counts(offers):
    written = [
        "; ".join(["permessage-deflate", *(name + value for name, value in offer)]) for offer in offers
    ]
    alone = [agreed(each) for each in written]
    answer = agreed(", ".join(written))
    assert answer == next((each for each in alone if each), None)
    if answer is not None:
        chosen = written[alone.index(answer)]
        assert ("server_max_window_bits" in answer) is bool(re.search('server_max_window_bits="?15', chosen))
