"""Does the load generator notice what it is there to notice? ``python -m benchmarks.selfcheck``; exit code 0 is yes."""

from __future__ import annotations

import sys
from typing import Any

from .folders import CACHE, PEERS
from .generator import Generator
from .processes import Process, free_port

LOAD = {"members": 10, "senders": 1, "rate": 2000, "warmup": 0, "seconds": 1.0, "limit": 30}

# What has to be noticed of each mistake: something lost, something repeated, something out of order.
EXPECTED = {
    "none": (False, False, False),
    "drop": (True, False, True),
    "repeat": (False, True, True),
    "swap": (False, False, True),
}


def main() -> int:
    """Drive a server that is right, and one for each mistake; the exit code."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for fault, expected in EXPECTED.items():
        result = _result(fault)
        seen = {key: int(result[key]) for key in ("lost", "repeated", "order_errors")}
        right = tuple(count > 0 for count in seen.values()) == expected
        wrong += not right
        print(f"{fault}: {seen}: {'as it should be' if right else 'WRONG'}")
    return 1 if wrong else 0


def _result(fault: str) -> dict[str, Any]:
    port = free_port()
    command = [sys.executable, str(PEERS / "faulty.py"), str(port), fault]
    with Process(command, port), Generator(port, LOAD) as generator:
        generator.wait_for("ready")
        generator.go()
        generator.wait_for("measuring")
        generator.wait_for("measured")
        return generator.wait_for("result")


if __name__ == "__main__":
    sys.exit(main())
