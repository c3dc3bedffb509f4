"""Where things are, and where what is built, downloaded and measured is put."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers"
CACHE = HERE / ".cache"
RESULTS = HERE / "results"
LOCK = CACHE / "lock"
"""Held while something is measured: two at once would measure each other."""
