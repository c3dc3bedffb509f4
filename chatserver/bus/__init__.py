"""How events reach every process that has somebody to tell."""

from .contract import Bus, Deliver
from .local import LocalBus

__all__ = ["Bus", "Deliver", "LocalBus"]
