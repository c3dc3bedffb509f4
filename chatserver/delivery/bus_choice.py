"""Which bus the settings name."""

from __future__ import annotations

from functools import partial

from .bus import MakeBus
from .bus_local import LocalBus


def choose_bus(url: str, prefix: str, epoch: str, node: str = "") -> MakeBus:
    """The bus for a ``bus.url``, on which this process is called ``node``.

    Raises ConfigError where what it needs is not installed."""
    if not url:
        return LocalBus
    # Not imported, nor its client, where it isn't used.
    from .bus_redis import RedisBus

    return partial(RedisBus, url=url, prefix=prefix, epoch=epoch, node=node)
