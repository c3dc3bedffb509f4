"""docs/tutorial.md, followed word for word: its files are written and its commands run, in the order of the page."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from chatserver.testing import Client, Refused

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
SECONDS = 30.0

# A file, named at the end of the paragraph before it; a command; what to write, and what follows.
STEP = re.compile(
    r"`(?P<path>[\w./-]+\.(?:py|js|yaml))`[^`\n]*:\n\n(?:<!-- \S+ -->\n)?```\w+\n(?P<text>.*?)^```$"
    r"|^```sh\n(?P<commands>.*?)^```$"
    r"|It says `(?P<output>[^`]+)`"
    r"|Write `(?P<says>[^`]+)`, and you are (?P<how>told|refused with) `(?P<answer>[^`]+)`",
    re.MULTILINE | re.DOTALL,
)


class Reader:
    """Does what the page says, in an empty folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.output = ""
        self.client: Client | None = None
        self.done: list[str] = []
        tools = str(Path(sys.executable).parent)
        self.environment = {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "CHATSERVER_SERVER__PORT": str(port),
        }
        self.server: subprocess.Popen[str] | None = None

    async def step(self, step: Mapping[str, str | None]) -> None:
        if path := step["path"]:
            self.done.append(path)
            self.write(self.folder / path, step["text"] or "")
        elif commands := step["commands"]:
            for command in commands.splitlines():
                self.done.append(command)
                await asyncio.to_thread(self.run, command)
        elif output := step["output"]:
            assert output in self.output
        else:
            await self.says(step["says"] or "", step["answer"] or "", refused=step["how"] != "told")

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str) -> None:
        if command.startswith("chatserver serve"):
            with (self.folder / "log.txt").open("wb") as log:
                self.server = subprocess.Popen(
                    shlex.split(command), cwd=self.folder, env=self.environment,
                    stdout=subprocess.PIPE, stderr=log, text=True,
                )  # fmt: skip
            assert self.server.stdout is not None
            assert "listens on" in self.server.stdout.readline(), (self.folder / "log.txt").read_text()
            return
        # The tests' own plugin that runs coroutines is no part of what an author has.
        extra = (
            {"PYTEST_ADDOPTS": "-p no:tornado -p no:cacheprovider"} if command.startswith("pytest") else {}
        )
        ran = subprocess.run(
            shlex.split(command), cwd=self.folder, env=self.environment | extra, timeout=60,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.output = ran.stdout + ran.stderr
        assert ran.returncode == 0, f"{command}:\n{self.output}"

    async def says(self, text: str, answer: str, *, refused: bool) -> None:
        """Say it, and once more after each change of the plugins: the server may be about to read new settings."""
        self.done.append(text)
        if self.client is None:
            self.client = Client(self.url, patience=SECONDS)
            await self.client.hello(name="reader")
            await self.client.join("general")
        while not await self.answered(self.client, text, answer, refused=refused):
            await self.client.hears("plugins")

    async def answered(self, client: Client, text: str, answer: str, *, refused: bool) -> bool:
        """Say it; whether the answer is this one."""
        try:
            await client.says(text)
        except Refused as error:
            return refused and answer in error.message
        return not refused and answer in (await client.hears("notice")).text


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@asynccontextmanager
async def reader(folder: Path) -> AsyncIterator[Reader]:
    follows = Reader(folder, free_port())
    try:
        yield follows
    finally:
        if follows.client is not None:
            await follows.client.leave()
        if follows.server is not None:
            follows.server.kill()
            follows.server.communicate()


def steps() -> Iterator[Mapping[str, str | None]]:
    return (found.groupdict() for found in STEP.finditer(PAGE.read_text(encoding="utf-8")))


async def test_every_step_works(tmp_path: Path) -> None:
    async with reader(tmp_path) as follows:
        for step in steps():
            await follows.step(step)
        # What is enabled last runs, too.
        await follows.says("/chore 2h", "Usage: /chore", refused=True)
    assert follows.done[:4] == [
        "my-plugins/tea.py",
        "config.yaml",
        "chatserver check",
        "chatserver serve --reload",
    ]
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def test_no_block_is_passed_over() -> None:
    text = PAGE.read_text(encoding="utf-8")
    followed = [step for step in steps() if step["text"] or step["commands"]]
    assert len(re.findall(r"^```\w+$", text, re.MULTILINE)) == len(followed)
    told = re.findall(r"[Ww]rite `/", text)
    assert len(told) == len([step for step in steps() if step["says"]])


def test_the_plugin_of_the_last_chapter_is_short() -> None:
    shown = [step["text"] or "" for step in steps() if "/chores/" in (step["path"] or "")]
    assert len(shown) == 2
    assert sum(len(text.splitlines()) for text in shown) < 60
