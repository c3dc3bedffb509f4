"""Storage: every room's log, and the people. See `Store`."""

from sqlalchemy import Connection

from .changes import Batch, Done, Entry, Outcome
from .store import Store

__all__ = ["Batch", "Connection", "Done", "Entry", "Outcome", "Store"]
