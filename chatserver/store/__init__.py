"""Storage: every room's log, and the people. See `Store`."""

from sqlalchemy import Connection

from .changes import Batch, Change, Committed, Outcome
from .store import Store

__all__ = ["Batch", "Connection", "Committed", "Change", "Outcome", "Store"]
