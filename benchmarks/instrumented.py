"""chatserver with all its plugins, in memory, that writes down at its end what each hook took.

As a program: ``python -m benchmarks.instrumented --config FILE``; the figures go to `COSTS` beside the file.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from chatserver.config import load
from chatserver.server.server import ChatServer

COSTS = "hooks.json"


async def serve(config: Path) -> None:
    """Run until SIGTERM."""
    server = ChatServer(load(config, os.environ))
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    messages = (await server.about.stats.get())["messages_total"]
    seconds = {
        f"{plugin}.{hook}": stats.seconds
        for (plugin, hook), stats in server.host.hooks.stats().items()
        if stats.calls
    }
    (config.parent / COSTS).write_text(json.dumps({"messages": messages, "seconds": seconds}))
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[sys.argv.index("--config") + 1])))
