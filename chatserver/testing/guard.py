"""Ends what tests have started once their process is gone, killed or not."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


class Guard:
    """Runs the ``command`` of a shell, with ``words`` as ``$1`` and so on, when it is let go or this process ends.

    ``options`` are those of `subprocess.Popen`, such as ``user``.
    """

    def __init__(self, command: str, *words: str | Path, **options: Any) -> None:
        # Only this process has the pipe's other end, which closes with it. What ends a session doesn't reach the guard.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r _; {command}", "guard", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **options,
        )

    def let_go(self) -> None:
        """Have the command run, and wait until it has."""
        self._process.communicate()
