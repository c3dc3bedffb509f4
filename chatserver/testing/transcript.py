"""Conversations as text files, which users can read and tests can run.

A line is a comment (``# …``), a setting up, something done, or something that has to follow::

    plugins: basics, moderation
    alice is a moderator
    bob joins general
    bob says in general: hello
    alice hears bob in general: hello
    alice says in general: /kick bob shouting
    bob is kicked from general
    bob says in general: again
    bob is refused: not_member
    alice is told: bob was removed.

A name without an introduction is a guest. ``…`` at the end of a text stands for any rest. Settings, in the place of
``plugins:`` or below it, are YAML::

    settings:
      limits: {messages_per_second: 1, burst: 3}

Events and requests of any type have their fields as JSON, as far as they matter::

    alice gets tally:voted in general: {"choice": 1}
    alice asks tally:counts: {"poll": 1}
    alice is answered: {"counts": [0, 1]}

Buttons of plugins are pressed, and their forms filled in::

    alice presses Refuse…
    alice fills in: {"why": "Too late"}

A run fails when a client got a message that the file does not mention.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml

from ..model.values import ROLES
from .client import Client, Heard, Refused
from .harness import Harness


class Conversation:
    """The clients of a transcript so far, and the last refusal of each."""

    def __init__(self, server: Harness) -> None:
        self._server = server
        self._people: dict[str, Client] = {}
        self._refused: dict[str, Refused] = {}
        self._answers: dict[str, Heard] = {}

    async def step(self, line: str) -> None:
        """Do, or check, one line. Raises AssertionError, or ValueError for a line that means nothing."""
        for pattern, method in _STEPS:
            match = pattern.fullmatch(line)
            if match:
                await method(self, *match.groups())
                return
        raise ValueError(f"this line means nothing: {line!r}")

    async def end(self) -> None:
        """Raises AssertionError when a client got a message that the file does not mention."""
        for name, error in self._refused.items():
            raise AssertionError(f"{name} was refused, and no line says so: {error}")
        for name, client in self._people.items():
            left = await client.heard()
            assert not left, f"{name} also heard: {[event.content for event in left]}"

    async def _who(self, name: str) -> Client:
        if name not in self._people:
            self._people[name] = await self._server.client(name, forms=True)
        return self._people[name]

    async def _is(self, name: str, role: str) -> None:
        assert role in ROLES, f"there is no role {role!r}"
        self._people[name] = await self._server.account(name, role, forms=True)

    async def _try(self, name: str, work: Awaitable[Heard]) -> None:
        assert name not in self._refused, f"{name} was refused, and no line says so: {self._refused[name]}"
        try:
            self._answers[name] = await work
        except Refused as refused:
            self._refused[name] = refused

    async def _joins(self, name: str, room: str) -> None:
        client = await self._who(name)
        await self._try(name, client.join(room))

    async def _says_in(self, name: str, room: str, text: str) -> None:
        client = await self._who(name)
        await self._try(name, client.says(_written(text), room))
        if name not in self._refused and not re.match(r"/[^/]", text):
            await client.hears(room=room)

    async def _says_to(self, name: str, other: str, text: str) -> None:
        client = await self._who(name)
        await self._try(name, client.says(_written(text), to=other))
        if name not in self._refused:
            await client.hears()

    async def _hears(self, name: str, who: str, room: str, text: str) -> None:
        event = await (await self._who(name)).hears(room=room)
        shown = event.get("display_name") or event.user["display_name"]
        assert shown == who, f"it was {shown} who said {event.content!r}"
        _same(event.content, text)

    async def _hears_from(self, name: str, who: str, text: str) -> None:
        event = await (await self._who(name)).hears()
        assert event.room.startswith("dm:"), f"it was said in {event.room}: {event.content!r}"
        assert event.user["display_name"] == who
        _same(event.content, text)

    async def _is_kicked(self, name: str, room: str) -> None:
        await (await self._who(name)).hears("kicked", room=room)

    async def _is_told(self, name: str, text: str) -> None:
        _same((await (await self._who(name)).hears("notice")).text, text)

    async def _is_refused(self, name: str, code: str) -> None:
        assert name in self._refused, f"{name} was not refused"
        refused = self._refused.pop(name)
        assert refused.code == code, f"{name} was refused with {refused}"

    async def _gets(self, name: str, type: str, room: str | None, fields: str | None) -> None:
        like = _fields(fields)
        await (await self._who(name)).hears(type, **({"room": room} if room else {}), **like)

    async def _asks(self, name: str, type: str, fields: str | None) -> None:
        client = await self._who(name)
        await self._try(name, client.ask(type, **_fields(fields)))

    async def _presses(self, name: str, label: str) -> None:
        client = await self._who(name)
        shown = {
            event["message_id"]: event.get("actions", ()) for event in client.everything if "actions" in event
        }
        found = [(id, each) for id, actions in shown.items() for each in actions if each["label"] == label]
        assert found, f"{name} sees no button {label!r}"
        id, action = found[-1]
        press = client.ask("action", message_id=id, plugin=action["plugin"], action=action["id"])
        await self._try(name, press)

    async def _fills_in(self, name: str, fields: str) -> None:
        client = await self._who(name)
        form = await client.hears("form")
        await self._try(name, client.ask("answer", form=form.form, values=_fields(fields)))

    async def _is_answered(self, name: str, fields: str) -> None:
        assert name in self._answers, f"{name} asked nothing"
        answer = self._answers[name]
        for field, value in _fields(fields).items():
            assert answer.get(field) == value, f"{field} is {answer.get(field)!r} in {dict(answer)}"

    async def _sees(self, name: str, who: str, what: str, room: str) -> None:
        client = await self._who(name)
        if what in ("join", "leave"):
            type = "joined" if what == "join" else "left"
            while (await client.hears(type, room=room)).user["display_name"] != who:
                pass
        else:
            event = await client.hears("member", room=room, action=what)
            assert event.target["display_name"] == who

    async def _sees_topic(self, name: str, room: str, text: str) -> None:
        event = await (await self._who(name)).hears("room", room=room, action="changed")
        _same(event.topic, text)

    async def _is_called(self, name: str, new: str) -> None:
        event = await (await self._who(name)).hears("renamed")
        assert event.user["display_name"] == new
        self._people[new] = self._people[event.old]


Step = Callable[..., Awaitable[None]]

_STEPS: tuple[tuple[re.Pattern[str], Step], ...] = (
    (re.compile(r"(\S+) is an? (guest|member|moderator|admin)"), Conversation._is),
    (re.compile(r"(\S+) joins (\S+)"), Conversation._joins),
    (re.compile(r"(\S+) says in (\S+): (.*)"), Conversation._says_in),
    (re.compile(r"(\S+) says to (\S+): (.*)"), Conversation._says_to),
    # Whom one hears is called by the name shown, which may have spaces.
    (re.compile(r"(\S+) hears from ([^:]+): (.*)"), Conversation._hears_from),
    (re.compile(r"(\S+) hears ([^:]+) in ([^\s:]+): (.*)"), Conversation._hears),
    (re.compile(r"(\S+) is kicked from (\S+)"), Conversation._is_kicked),
    (re.compile(r"(\S+) is told: (.*)"), Conversation._is_told),
    (re.compile(r"(\S+) is refused: (\S+)"), Conversation._is_refused),
    (re.compile(r"(\S+) gets (\S+?)(?: in ([^\s:]+))?(?:: (\{.*\}))?"), Conversation._gets),
    (re.compile(r"(\S+) asks (\S+?)(?:: (\{.*\}))?"), Conversation._asks),
    (re.compile(r"(\S+) is answered: (\{.*\})"), Conversation._is_answered),
    (re.compile(r"(\S+) presses (.+)"), Conversation._presses),
    (re.compile(r"(\S+) fills in: (\{.*\})"), Conversation._fills_in),
    (re.compile(r"(\S+) sees (\S+) (join|leave) (\S+)"), Conversation._sees),
    (
        re.compile(r"(\S+) sees (\S+) (added|removed|kicked|banned|unbanned|muted|unmuted) in (\S+)"),
        Conversation._sees,
    ),
    (re.compile(r"(\S+) sees the topic of (\S+): (.*)"), Conversation._sees_topic),
    (re.compile(r"(\S+) sees the new name (\S+)"), Conversation._is_called),
)


def _written(text: str) -> str:
    return text.replace("\\n", "\n")


def _same(said: str, text: str) -> None:
    expected = _written(text)
    if expected.endswith("…"):
        assert said.startswith(expected[:-1]), f"it was {said!r}"
    else:
        assert said == expected, f"it was {said!r}"


def _fields(text: str | None) -> dict[str, Any]:
    """The fields that a line ends with. Raises AssertionError for what is no JSON."""
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError as error:
        raise AssertionError(f"{text} is no JSON: {error}") from None


class Transcript:
    """A ``.chat`` file: the names in ``plugins``, its ``settings``, and the numbered ``lines`` of the conversation.

    Raises AssertionError for a file that begins with anything else than those.
    """

    def __init__(self, path: Path) -> None:
        written = path.read_text(encoding="utf-8").splitlines()
        numbered = [(n, line) for n, line in enumerate(written, 1) if line.strip()]
        lines = [(n, line) for n, line in numbered if not line.lstrip().startswith("#")]
        self.plugins: list[str] = []
        self.settings: dict[str, Any] = {}
        if lines and lines[0][1].startswith("plugins:"):
            names = lines.pop(0)[1].removeprefix("plugins:").split(",")
            self.plugins = [name.strip() for name in names if name.strip()]
        if lines and lines[0][1].rstrip() == "settings:":
            number, _ = lines.pop(0)
            block = []
            while lines and lines[0][1].startswith(" "):
                block.append(lines.pop(0)[1])
            try:
                self.settings = dict(yaml.safe_load("\n".join(block)) or {})
            except (yaml.YAMLError, TypeError, ValueError) as error:
                raise AssertionError(f"{path.name}:{number}: the settings can't be read: {error}") from None
            twice = self.plugins and "enabled" in self.settings.get("plugins", {})
            assert not twice, f"{path.name}:{number}: the settings name the plugins, and plugins: does, too"
        self.lines = [(number, line.strip()) for number, line in lines]


async def run_transcript(path: Path, make: Callable[..., Harness]) -> None:
    """Run a ``.chat`` file; ``make`` is the fixture ``chat``. Raises AssertionError with the file's line."""
    transcript = Transcript(path)
    async with make(plugins=transcript.plugins, settings=transcript.settings) as server:
        conversation = Conversation(server)
        for number, text in transcript.lines:
            try:
                await conversation.step(text)
            except AssertionError as error:
                raise AssertionError(f"{path.name}:{number}: {text}\n  {error}") from None
        await conversation.end()
