"""Runs the load generator and reads what it measures."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from .build import load_generator
from .machine import LOAD_CORE, pinned

Options = Mapping[str, str | int | float]


class LoadFailed(Exception):
    """The generator gave up; the text says why."""


class Generator:
    """One run of the generator against ``port``: wait for `ready`, `go`, then read the `result`."""

    def __init__(self, port: int, options: Options) -> None:
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._child = subprocess.Popen(
            [str(load_generator()), "--port", str(port), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=pinned(LOAD_CORE),
        )

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.communicate()

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next line it prints, which has to be ``event``. Raises LoadFailed."""
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        line = self._child.stdout.readline()
        if not line:
            raise LoadFailed(self._child.stderr.read().strip() or "the load generator ended without a result")
        said: dict[str, Any] = json.loads(line)
        if said["event"] != event:
            raise LoadFailed(f"expected {event} from the load generator, not {said['event']}")
        return said

    def go(self) -> None:
        """Let it begin."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
