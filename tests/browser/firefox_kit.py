"""Windows of a real Firefox, by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
START_SECONDS = 60.0
PATIENCE_SECONDS = 30.0
LARGEST_ANSWER = 2**26
# What a function of a test gives is sent as JSON, so that it needs no reading of remote values.
ASK = "async (given) => JSON.stringify(await ({function})(...JSON.parse(given)) ?? null)"
PLACE = """(selector, text) => {
  const fits = (node) => node.checkVisibility({ visibilityProperty: true })
    && (text === null || node.textContent.trim() === text || node.getAttribute("aria-label") === text);
  const node = [...document.querySelectorAll(selector)].findLast(fits);
  if (!node) return null;
  node.scrollIntoView({ block: "nearest" });
  const { left, top, width, height } = node.getBoundingClientRect();
  return { x: Math.round(left + width / 2), y: Math.round(top + height / 2) };
}"""
KEYS = {
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Tab": "\ue004",
    "ArrowUp": "\ue013",
    "ArrowDown": "\ue015",
    "Control": "\ue009",
    "Shift": "\ue008",
    "Alt": "\ue00a",
}


class Firefox:
    """One Firefox without a screen; each window is a user of its own."""

    async def start(self) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = (FIREFOX or "", "--headless", "--no-remote", "--profile", self._profile.name)
        self._process = await asyncio.create_subprocess_exec(
            *(*command, "--remote-debugging-port", "0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(START_SECONDS):
            url = await self._address()
            self._socket: WebSocketClientConnection = await websocket_connect(
                f"{url}/session", max_message_size=LARGEST_ANSWER
            )
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        self._reading = asyncio.create_task(self._read())
        await self.send("session.new", capabilities={})
        await self.send("session.subscribe", events=["log.entryAdded"])

    async def stop(self) -> None:
        self._reading.cancel()
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
        self._profile.cleanup()

    async def _address(self) -> str:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line.decode(errors="replace")):
                return found[1]
        raise AssertionError("Firefox ended before it listened")

    async def _read(self) -> None:
        while (frame := await self._socket.read_message()) is not None:
            answer = json.loads(frame)
            if answer.get("method") == "log.entryAdded":
                entry = answer["params"]
                if entry["level"] in ("error", "warn"):
                    self.complaints.append(f"{entry['level']}: {entry['text']}")
            elif waiting := self._waiting.pop(answer.get("id"), None):
                waiting.set_result(answer)

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask Firefox. Raises AssertionError for what it refuses."""
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.write_message(json.dumps({"id": number, "method": method, "params": params}))
        answer = await asyncio.wait_for(waiting, PATIENCE_SECONDS)
        assert answer["type"] == "success", f"{method}: {answer.get('message')}"
        result: dict[str, Any] = answer["result"]
        return result

    @contextlib.asynccontextmanager
    async def window(self, url: str, size: tuple[int, int] = (1280, 800)) -> AsyncIterator[FoxWindow]:
        """``async with firefox.window(url) as alice``: an empty page of a new user."""
        user = (await self.send("browser.createUserContext"))["userContext"]
        tab = (await self.send("browsingContext.create", type="tab", userContext=user))["context"]
        window = FoxWindow(self, tab, url)
        await window.resize(*size)
        await window.load()
        yield window
        await self.send("browser.removeUserContext", userContext=user)


class FoxWindow:
    """A page; what is done in it is done with real keys and a real pointer."""

    def __init__(self, firefox: Firefox, tab: str, url: str) -> None:
        self._firefox = firefox
        self._tab = tab
        self._url = url

    async def load(self) -> None:
        await self._firefox.send(
            "browsingContext.navigate", context=self._tab, url=self._url, wait="complete"
        )

    async def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height}
        await self._firefox.send("browsingContext.setViewport", context=self._tab, viewport=size)

    async def back(self) -> None:
        await self._firefox.send("browsingContext.traverseHistory", context=self._tab, delta=-1)

    async def ask(self, function: str, *given: Any) -> Any:
        """What a function in the page gives. Raises AssertionError for what it throws."""
        answer = await self._firefox.send(
            "script.callFunction",
            functionDeclaration=ASK.replace("{function}", function),
            arguments=[{"type": "string", "value": json.dumps(given)}],
            target={"context": self._tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return json.loads(answer["result"]["value"])

    async def until(self, function: str, *given: Any) -> Any:
        """Ask until what it gives is true, and return that. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (value := await self.ask(function, *given)):  # noqa: ASYNC110 - it asks the page
                await asyncio.sleep(0.02)
            return value

    async def shows(self, selector: str, text: str | None = None) -> dict[str, int]:
        """Wait for a visible element with this text or label; where its middle is."""
        place: dict[str, int] = await self.until(PLACE, selector, text)
        return place

    async def sees(self, text: str) -> None:
        """Wait for a message that the server has confirmed."""
        await self.until(
            """(text) => [...document.querySelectorAll(".message[data-seq] > .text")]
              .some((node) => node.textContent === text)""",
            text,
        )

    async def gone(self, selector: str) -> None:
        await self.until(
            """(selector) => ![...document.querySelectorAll(selector)]
              .some((node) => node.checkVisibility({ visibilityProperty: true }))""",
            selector,
        )

    async def _point(self, place: dict[str, int], *more: dict[str, Any]) -> None:
        actions = [{"type": "pointerMove", **place}, *more]
        source = {"type": "pointer", "id": "mouse", "actions": actions}
        await self._firefox.send("input.performActions", context=self._tab, actions=[source])

    async def hover(self, selector: str, text: str | None = None) -> None:
        place = await self.shows(selector, text)
        await self._point({"x": place["x"], "y": place["y"] - 1})
        await self._point(place)

    async def click(self, selector: str, text: str | None = None) -> None:
        press = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        await self._point(await self.shows(selector, text), *press)

    async def press(self, *keys: str) -> None:
        """These keys together."""
        values = [KEYS.get(key, key) for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values]
        actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
        await self._keys(actions)

    async def type(self, text: str) -> None:
        await self._keys([{"type": kind, "value": char} for char in text for kind in ("keyDown", "keyUp")])

    async def _keys(self, actions: list[dict[str, Any]]) -> None:
        source = {"type": "key", "id": "keyboard", "actions": actions}
        await self._firefox.send("input.performActions", context=self._tab, actions=[source])

    async def enter(self, name: str) -> None:
        """Come in as a guest."""
        await self.click("#enter-name")
        await self.type(name)
        await self.press("Enter")
        await self.shows("#composer-input")
        await self.until("() => document.querySelector('.log').children.length > 0")
        await self.until(
            """() => { const parts = [...document.querySelector("message-list").app.plugins.loaded.values()];
              return parts.length > 0 && parts.every(({ undos, known }) => undos.length > (known.css ? 1 : 0)); }"""
        )

    async def say(self, text: str) -> None:
        await self.click("#composer-input")
        await self.type(text)
        await self.press("Enter")
