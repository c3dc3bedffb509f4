"""Waiting with a deadline, also for what ignores being cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


async def wait_at_most(what: str, ending: Coroutine[Any, Any, None], seconds: float) -> None:
    """Wait for ``ending``, for so many seconds at most; what failed or is late is logged as ``what``, and left
    alone.

    Unlike with `asyncio.timeout`, what ignores being cancelled isn't waited for either.
    """
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        late = task.cancel()
    if late:
        log.warning("stopping without %s, which did not end within %g seconds", what, round(seconds, 1))
    elif not task.cancelled() and (error := task.exception()) is not None:
        log.error("stopping: %s failed", what, exc_info=error)
