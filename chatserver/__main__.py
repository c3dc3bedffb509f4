"""The command ``chatserver``, also as ``python -m chatserver``."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # What is imported stays. To look through it again and again for garbage takes a tenth of the start.
    gc.disable()
    from .server import cli

    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
