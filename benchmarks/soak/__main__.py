"""``python -m benchmarks.soak --minutes 10``: half load with churn, then SIGKILLs; exit code 0 when memory stayed flat
and nothing was lost."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .. import build, chat
from ..folders import CACHE
from ..generator import Generator
from ..launch import Launch
from ..machine import LOAD_CORE, adopt_orphans
from ..processes import Process, free_port
from .checks import ENVELOPE_SECONDS, LogCheck, Sample, growth
from .client import Journal
from .log import LogLost, LogReader
from .workload import BIG, Workload

SMALL = [f"room{number}" for number in range(1, 9)]
SAMPLE_SECONDS = 5.0
TELL_SECONDS = 30.0
CALIBRATION_SECONDS = 5.0
MEGABYTE = 1e6
KILLS = 3


def main() -> int:
    """Run it; the exit code."""
    asked = _arguments()
    adopt_orphans()
    try:
        build.load_generator()
    except build.NotHere as missing:
        print(f"soak: {missing}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=CACHE))
    try:
        rate = asked.rate or _calibrated(folder / "calibration", asked)
        problems = asyncio.run(_soak(folder / "soak", asked, rate))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems[:20]:
        print(f"WRONG: {problem}")
    print(f"{len(problems)} things are wrong" if problems else "Memory is flat, and nothing was lost.")
    return 1 if problems else 0


def _server(folder: Path) -> Process:
    """The server as it is installed: log in SQLite with fsync, all bundled plugins."""
    folder.mkdir()
    launch = Launch(free_port(), folder, 1 + len(SMALL))
    variant = chat.variant("soak", url="sqlite:", plugins=None)
    return Process(variant.command(launch), launch.port)


def _load(asked: argparse.Namespace, **more: object) -> dict[str, Any]:
    members = {"members": asked.members, "senders": min(20, asked.members), "dialect": "chat", "ack": 1}
    return {**members, "warmup": 1, **more}


def _calibrated(folder: Path, asked: argparse.Namespace) -> float:
    """Half of what the server does with the same room, and each sender's next message as soon as one is there."""
    with _server(folder) as server:
        load = _load(asked, window=4, seconds=CALIBRATION_SECONDS)
        with Generator(server.port, load) as generator:
            generator.wait_for("ready")
            generator.go()
            for event in ("measuring", "measured", "result"):
                result = generator.wait_for(event)
    most = float(result["messages_per_second"])
    print(
        f"The server takes {most:.0f} messages/s to {asked.members} members; half of that is {most / 2:.0f}"
    )
    return most / 2


async def _soak(folder: Path, asked: argparse.Namespace, rate: float) -> list[str]:
    os.sched_setaffinity(0, {LOAD_CORE})
    journal = Journal()
    with _server(folder) as server:
        workload = Workload(server.port, journal, SMALL, asked.guests)
        result, samples = await _steady(server, workload, asked, rate)
        workload.speed_up()
        for number in range(KILLS):
            await _killed(server, number)
        await workload.stop()
        received = workload.received()
        await workload.disconnect()
        # Started again, so that the log is read from the disk.
        server.stop()
        server.start()
        try:
            of_log = await _of_log(server.port, journal, received)
        except (LogLost, OSError) as error:
            of_log = [f"the log could not be read: {error}"]
    _tell_counts(journal)
    return [*journal.problems, *_of_generator(result), *_of_memory(samples, asked), *of_log]


async def _steady(
    server: Process, workload: Workload, asked: argparse.Namespace, rate: float
) -> tuple[dict[str, Any], list[Sample]]:
    """The first life of the server: all that is asked for, and what its memory was meanwhile."""
    seconds = asked.minutes * 60
    load = _load(asked, rate=rate, seconds=seconds, limit=int(seconds + 300))
    with Generator(server.port, load) as generator:
        await asyncio.to_thread(generator.wait_for, "ready")
        generator.go()
        workload.start(asked.senders, asked.readers, asked.slow_readers)
        sampling = asyncio.create_task(_sample(server, workload.journal))
        for event in ("measuring", "measured", "result"):
            result = await asyncio.to_thread(generator.wait_for, event)
            if event == "measured":
                sampling.cancel()
        return result, (await asyncio.gather(sampling))[0]


async def _sample(server: Process, journal: Journal) -> list[Sample]:
    """The server's memory until it is cancelled."""
    began = time.monotonic()
    samples: list[Sample] = []
    told = -TELL_SECONDS
    try:
        while True:
            at = time.monotonic() - began
            samples.append((at, server.memory()))
            if at - told >= TELL_SECONDS:
                told = at
                guests, resumes = journal.counts["guests"], journal.counts["resumes"]
                print(
                    f"{at:5.0f} s: {samples[-1][1] / MEGABYTE:6.1f} MB, {guests} guests, {resumes} resumes",
                    flush=True,
                )
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return samples


async def _killed(server: Process, number: int) -> None:
    """SIGKILL while clients send, and a start on what is left."""
    await asyncio.sleep(5)
    server.kill()
    # On this thread, so that the server doesn't die with another; the clients wait for a moment.
    server.start()
    print(f"SIGKILL {number + 1}; it listened again after {server.start_seconds:.1f} s", flush=True)


def _tell_counts(journal: Journal) -> None:
    counts = {**journal.counts, "messages acknowledged": len(journal.acknowledged)}
    print("Clients: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


def _of_generator(result: dict[str, Any]) -> list[str]:
    print(f"Steady load: {result['sent']:.0f} messages sent, {result['received']:.0f} deliveries")
    bad = (
        "failed",
        "lost",
        "still_under_way",
        "repeated",
        "order_errors",
        "bad_frames",
        "unexpected_closes",
        "errors",
    )
    return [f"steady load: {result[key]} {key} {result['first_error']}" for key in bad if result[key]]


async def _of_log(port: int, journal: Journal, received: dict[tuple[str, str], int]) -> list[str]:
    check = LogCheck(journal.acknowledged)
    async with LogReader(port) as reader:
        for room in (BIG, *SMALL):
            head = await reader.join(room)
            async for page in reader.pages(room):
                for event in page:
                    check.take(room, event)
            check.end(room, head)
    rooms = check.last
    print(
        f"The log: {sum(rooms.values())} events in {len(rooms)} rooms, {check.steady} messages of the steady load"
    )
    late = [
        f"{name} received {room} up to {last}; its head is {rooms[room]}"
        for (name, room), last in received.items()
        if last != rooms[room]
    ]
    return [*check.problems(), *late]


def _of_memory(samples: list[Sample], asked: argparse.Namespace) -> list[str]:
    rise = growth(samples, asked.warmup) / MEGABYTE
    sizes = [size / MEGABYTE for at, size in samples if at >= asked.warmup]
    print(
        f"Memory after {asked.warmup:.0f} s: {min(sizes):.1f} to {max(sizes):.1f} MB, "
        f"its floor moves by {rise:+.3f} MB a minute (at most {asked.growth})"
    )
    return [f"memory grows by {rise:.3f} MB a minute"] if rise > asked.growth else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long the server lives at first; 10")
    parser.add_argument("--warmup", type=float, default=120, help="seconds before memory is judged; 120")
    parser.add_argument("--growth", type=float, default=0.5, help="MB a minute by which it may grow; 0.5")
    parser.add_argument(
        "--rate", type=float, help="messages/s to the big room; half of what the server takes"
    )
    parser.add_argument("--members", type=int, default=300, help="steady members of the big room; 300")
    parser.add_argument("--guests", type=float, default=10, help="new guests a second; 10")
    parser.add_argument(
        "--senders", type=int, default=5, help="clients that send in each of eight small rooms; 5"
    )
    parser.add_argument("--readers", type=int, default=8, help="clients that reconnect to the big room; 8")
    parser.add_argument(
        "--slow-readers", type=int, default=4, help="clients that stop reading now and then; 4"
    )
    asked = parser.parse_args()
    if asked.minutes * 60 < asked.warmup + 4 * ENVELOPE_SECONDS:
        parser.error(f"memory is judged over {4 * ENVELOPE_SECONDS:.0f} s or more after the warm-up")
    return asked


if __name__ == "__main__":
    sys.exit(main())
