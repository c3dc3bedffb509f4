"""What the protocol promises holds over HTTP streams, too: tests of WebSockets, run over both ways to read one."""

from __future__ import annotations

from functools import partial

import pytest
from test_resume import *  # noqa: F403
from test_talking import *  # noqa: F403

# They are run once more for their own transport where they stand.
pytestmark = []


@pytest.fixture(params=["events", "poll"])
def chat(chat, request):
    return partial(chat, over=request.param)
