"""What the documentation says is what the code does, name by name, in both directions."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import json
import re
import sqlite3
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec
import pyotp
import pytest
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as shapes
from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler

from chatserver import __all__ as face
from chatserver import __version__
from chatserver.config import load
from chatserver.config.settings import DEFAULT_PLUGINS, Document, PluginConfig
from chatserver.model import errors
from chatserver.model.errors import Reject
from chatserver.model.people import Invitation
from chatserver.model.permissions import CORE
from chatserver.model.values import ROLES, Attachment, Event, Message, Room, Status, User
from chatserver.plugins import api as chatapi
from chatserver.plugins import database, hookspecs
from chatserver.plugins.base import Plugin
from chatserver.plugins.command import Command
from chatserver.plugins.host import PluginHost
from chatserver.plugins.http import Http
from chatserver.plugins.keep import Keep
from chatserver.plugins.moderation_api import ModerationAPI
from chatserver.plugins.people_api import PeopleAPI
from chatserver.plugins.plugin_set import PluginSet
from chatserver.protocol import events as wire
from chatserver.protocol import replies, requests
from chatserver.server import cli
from chatserver.store import Store
from chatserver.testing import Client, Harness, Refused
from chatserver.web.static import PluginStatic

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

_FENCE = re.compile(r"(?:<!-- (?P<source>\S+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^(#+) (.*)$", re.M)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.M)
    assert found, f"no heading {heading!r}"
    end = re.compile(rf"^#{{1,{len(found[1])}}} ", re.M).search(text, found.end())
    return text[found.end() : end.start() if end else len(text)]


def subsections(text: str) -> dict[str, str]:
    """The parts of a text under its headings of the third level, by the name in backticks."""
    parts = re.split(r"^### `([^`]+)`.*\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables in a text by the name in backticks that they begin with: their other cells."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if name := re.fullmatch(r"`([^`]+)`", cells[0]):
            assert name[1] not in found, f"{name[1]} is there twice"
            found[name[1]] = cells[1:]
    return found


def names(cell: str) -> set[str]:
    """The names in backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


def blocks(text: str, language: str) -> Iterator[tuple[str | None, str]]:
    """Code blocks, each with the file that a comment in front of it names."""
    for found in _FENCE.finditer(text):
        if found["language"] == language:
            yield found["source"], found["code"]


# ---- types, as the tables spell them


def spelt(shape: shapes.Type) -> str:
    """A type and its limits in words."""
    match shape:
        case shapes.Metadata():
            described = (shape.extra_json_schema or {}).get("description")
            return described or spelt(shape.type)
        case shapes.UnionType():
            return " or ".join(spelt(each) for each in shape.types if not isinstance(each, shapes.NoneType))
        case shapes.StrType():
            return "text" + _bounds(shape.min_length, shape.max_length, " characters")
        case shapes.IntType():
            return "whole number" + _bounds(shape.ge, shape.le, "")
        case shapes.FloatType():
            return "number"
        case shapes.BoolType():
            return "true or false"
        case shapes.LiteralType():
            return ", ".join(f"`{value}`" for value in shape.values)
        case shapes.VarTupleType():
            most = "" if shape.max_length is None else f" of at most {shape.max_length}"
            return f"list{most}: {spelt(shape.item_type)}"
        case shapes.DictType() | shapes.StructType():
            return "mapping"
        case shapes.CustomType():
            return "path"
    raise TypeError(f"how is {shape} spelt?")


def _bounds(least: float | None, most: float | None, unit: str) -> str:
    if least is None:
        return "" if most is None else f", at most {most}{unit}"
    return f", at least {least}{unit}" if most is None else f", {least} to {most}{unit}"


def default(field: shapes.Field) -> str:
    """A default as JSON; ``required`` where there is none."""
    if field.default_factory not in (NODEFAULT, UNSET):
        value = field.default_factory()
    elif field.default is NODEFAULT:
        return "required"
    else:
        value = field.default
    return "`" + json.dumps(msgspec.to_builtins(value, enc_hook=str), ensure_ascii=False) + "`"


def fields_of(type_: type) -> dict[str, tuple[str, str]]:
    """A struct's fields: the spelling of the type, and the default."""
    shape = shapes.type_info(type_)
    assert isinstance(shape, shapes.StructType)
    return {field.encode_name: (spelt(field.type), default(field)) for field in shape.fields}


def host() -> PluginSet:
    """The bundled plugins, as they are enabled by default."""
    return PluginHost(load(None, {})).build(load(None, {}))


# ---- hooks


def signatures() -> dict[str, str]:
    """``def before_post(self, draft: Draft) -> Draft | None: ...`` by name; ``async`` where a plugin's may be, too."""
    tree = ast.parse(inspect.getsource(hookspecs))
    return {
        node.name: _stub(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for node in each.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    node.decorator_list, node.body = [], [ast.Expr(ast.Constant(...))]
    return " ".join(ast.unparse(node).split())


def test_every_hook_is_documented_with_its_signature() -> None:
    documented = {
        name: next(code for _, code in blocks(text, "python")).strip()
        for name, text in subsections(page("docs/hooks.md")).items()
    }
    assert documented == signatures()


@pytest.mark.parametrize("name", ["coming-from", "testing-plugins", "trust", "tutorial"])
def test_the_names_a_page_uses_are_there(name: str) -> None:
    """Hooks, and what a plugin and its ``chat`` have, in running text."""
    text = _FENCE.sub("", page(f"docs/{name}.md"))
    assert set(re.findall(r"`((?:before|after)_[a-z]+)`", text)) <= set(signatures())
    for handle in ("self.chat", "self"):
        listed = rows(section(page("docs/plugin-api.md"), f"What is in `{handle}`"))
        used = set(re.findall(rf"`(?:await )?{re.escape(handle)}\.(\w+)", text))
        assert used <= {each.partition("(")[0] for each in listed}


def test_every_example_is_listed() -> None:
    folder = ROOT / "examples"
    linked = set(re.findall(r"\(\.\./examples/(\w+)", page("docs/plugins.md")))
    assert linked == {
        each.stem for each in folder.iterdir() if each.suffix == ".py" or (each / "__init__.py").is_file()
    }


def test_the_commands_that_users_are_shown_are_there() -> None:
    shown = set(re.findall(r"`/(\w+)", page("docs/using.md")))
    assert shown <= {word for each in host().commands for word in (each.name, *each.aliases)}


def test_what_hooks_may_not_be_async_is_documented() -> None:
    listed = names(section(page("docs/hooks.md"), "Which may be async").split("\n\n")[2])
    assert listed == hookspecs.SYNC_ONLY


# ---- what plugins are written with


def test_every_name_of_the_face_is_documented() -> None:
    assert set(rows(section(page("docs/plugins.md"), "What there is to import"))) == set(face) - {
        "__version__"
    }


def methods(*protocols: type) -> set[str]:
    """``name(room, content, user, kind, reply_to)`` for every public method."""
    return {
        f"{name}({', '.join(list(inspect.signature(value).parameters)[1:])})"
        for protocol in protocols
        for name, value in vars(protocol).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("heading", "protocols"),
    [
        ("self.chat", (chatapi.ChatAPI, PeopleAPI, ModerationAPI)),
        ("self.db", (database.Database, database.Transaction)),
        ("self", (Plugin,)),
        ("self.keep", (Keep,)),
        ("self.http", (Http,)),
    ],
)
def test_every_method_a_plugin_has_is_documented(heading: str, protocols: tuple[type, ...]) -> None:
    listed = rows(section(page("docs/plugin-api.md"), f"What is in `{heading}`"))
    # What the server calls.
    wanted = {each for each in methods(*protocols) if not each.startswith(("cancel_tasks", "close("))}
    assert {name for name in listed if "(" in name} == wanted
    raised = set().union(*(names(errors_of) for _, errors_of in listed.values()))
    exceptions = {"TypeError", "ValueError", "Conflict", "FetchError", "ApartError"}
    methods_named = {
        f"{name.partition('(')[0]}" for name in methods(chatapi.ChatAPI, PeopleAPI, ModerationAPI)
    }
    arguments = {"also", "work", "chat.bot", "datetime"}
    assert raised <= set(errors.HTTP_STATUS) | exceptions | methods_named | arguments


def test_the_plain_methods_are_named() -> None:
    text = section(page("docs/plugin-api.md"), "What is in `self.chat`").strip().partition("\n")[0]
    plain = {
        name
        for part in (chatapi.ChatAPI, PeopleAPI)
        for name, value in vars(part).items()
        if inspect.isfunction(value) and not inspect.iscoroutinefunction(value) and not name.startswith("_")
    }
    assert names(text) - {"await"} == plain


def test_all_of_the_kit_is_documented() -> None:
    text = page("docs/testing-plugins.md")
    options = set(inspect.signature(Harness).parameters) - {"folder"}
    assert set(rows(section(text, "What the fixture `chat` takes"))) == options
    for heading, kit, own in (
        ("What a server has", Harness, {"start", "stop", "services", "url"}),
        ("What a client has", Client, {"send", "closed", "connect"}),
    ):
        listed = {name.partition("(")[0] for name in rows(section(text, heading))}
        public = {name for name in vars(kit) if not name.startswith("_")}
        assert listed - {"welcome", "token", "room", "seen", "everything"} == public - own


def test_every_name_of_the_browser_api_is_documented() -> None:
    source = page("public/js/plugin-face.js")
    face_of = source[source.index("return Object.freeze({") : source.index("\n  });\n")]
    text = page("docs/client.md")
    assert set(rows(section(text, "What `chat` has"))) == {
        f"chat.{name}" for name in re.findall(r"^    (\w+)(?::|,$)", face_of, re.M)
    }
    slots = re.search(r"@typedef \{([^}]*)\} Slot\b", page("public/js/slots.js"))
    assert slots
    listed = set(re.findall(r'"([^"]+)"', slots[1]))
    assert set(rows(section(text, "Slots"))) == listed
    pictures = re.findall(r"!\[[^]]+\]\((img/slot-([\w-]+)\.png)\)", section(text, "Slots"))
    assert {slot for _, slot in pictures} == listed
    assert all((DOCS / path).is_file() for path, _ in pictures)
    assert f"a number: {re.findall(r'export const VERSION = ([0-9]+);', source)[0]}." in text


def test_every_key_of_the_browser_client_is_documented() -> None:
    """Those that work everywhere are in the table, those of a message in a sentence."""
    text = section(page("docs/using.md"), "Keys")
    arrows = {"ArrowUp": "↑", "ArrowDown": "↓", "Escape": "Esc", "Mod": "Ctrl"}

    def bound(path: str) -> set[str]:
        keys = re.findall(r"keys: \[([^]]*)\]", page(path))
        pressed = {key for each in keys for key in re.findall(r'"([^"]+)"', each)}
        return {"+".join(arrows.get(part, part) for part in key.split("+")) for key in pressed}

    listed = {
        key for row in re.findall(r"^\| ([^|]+) \|", text, re.M)[1:] for key in re.split(r", (?=\S)", row)
    }
    assert listed | {"Ctrl+/"} == bound("public/js/app-actions.js") | bound("public/js/room-actions.js")
    of_messages = text[text.rindex("On a message") :].partition(": ")[2]
    assert set(re.findall(r"\b([A-Z]\w*) [a-z]", of_messages)) == bound("public/js/parts/message-actions.js")


# ---- settings


def settings() -> dict[str, tuple[str, str]]:
    """Every key by its path, with type and default."""
    found = dict(_leaves(Document, ""))
    found.update(_leaves(PluginConfig, "plugins.enabled.NAME."))
    del found["plugins.enabled.NAME.settings"]  # stands for the plugin's own
    found["plugins.enabled"] = found["plugins.enabled"][0], ", ".join(f"`{each}`" for each in DEFAULT_PLUGINS)
    for plugin in host().plugins:
        found.update(_leaves(type(plugin.instance).Settings, f"plugins.enabled.{plugin.name}."))
    return found


def _leaves(type_: type, prefix: str) -> Iterator[tuple[str, tuple[str, str]]]:
    shape = shapes.type_info(type_)
    assert isinstance(shape, shapes.StructType)
    for field in shape.fields:
        inner, path = _struct_in(field.type), prefix + field.name
        if inner is None:
            yield path, (spelt(field.type), default(field))
        else:
            yield from _leaves(inner[0], f"{path}{inner[1]}.")


def _struct_in(shape: shapes.Type) -> tuple[type, str] | None:
    """The struct that a section, or a list of them, is made of."""
    match shape:
        case shapes.StructType():
            return shape.cls, ""
        case shapes.VarTupleType(item_type=shapes.StructType() as item):
            return item.cls, "[]"
        case shapes.UnionType():
            return next((found for each in shape.types if (found := _struct_in(each))), None)
    return None


def test_every_setting_is_documented() -> None:
    documented = rows(section(page("docs/config.md"), "All keys"))
    assert {key: tuple(cells[:2]) for key, cells in documented.items()} == settings()


def permissions() -> dict[str, str]:
    """Every permission, with the lowest role that has it."""
    plugins = host()
    known = {
        *CORE,
        *(name for each in plugins.hooks.impls("register_permissions") for name in each.function()),
    }
    users = [User("u", "u", "u", role) for role in ROLES]
    return {name: next(user.role for user in users if plugins.permissions.may(user, name)) for name in known}


def test_every_permission_is_documented() -> None:
    documented = rows(section(page("docs/config.md"), "Permissions"))
    assert {name: cells[0] for name, cells in documented.items()} == permissions()


# ---- the wire


PROTOCOL = "docs/protocol.md"


def wire_requests() -> dict[str, type]:
    """The fields of every request by its type: the core's, and those of the bundled plugins."""
    found = {each.__struct_config__.tag: each for each in get_args(requests.Core)}
    return {**found, **{name: spec.fields for name, (_, spec) in host().requests.items()}}


def test_every_request_is_documented_with_its_fields() -> None:
    documented = {
        name: {field: tuple(cells[:2]) for field, cells in rows(text).items()}
        for name, text in subsections(section(page(PROTOCOL), "Requests")).items()
    }
    built = {name: fields_of(type_) for name, type_ in wire_requests().items()}
    for fields in built.values():
        fields.pop("id", None)  # said once, for all of them
    assert documented == built


def test_the_fields_of_resume_are_documented() -> None:
    documented = rows(section(page(PROTOCOL), "Resuming"))
    assert {name: tuple(cells[:2]) for name, cells in documented.items()} == fields_of(requests.Resume)


ALICE = User("u1", "alice", "Alice", "member")
MESSAGE = Message(
    "m1", "general", 2, 1.0, ALICE, "hi", "hi", nonce="n", reply_to="m0", edited_at=2.0, deleted=True,
    attachments=(Attachment("f1", "a.png", 1, "image/png", "/f1", True, 2, 3, "/p/1"),),
    extras={"likes": {"by": []}, "reactions": {"👍": {"count": 1, "users": ["u1"]}}, "pins": {"by": "u1", "name": "b"}},
    plugin="likes", display_name="A bot", actions=({"plugin": "likes", "id": "like", "label": "Like"},),
)  # fmt: skip
SAMPLES: Mapping[Any, Any] = {
    str: "text",
    str | None: "text",
    int: 7,
    float: 1.0,
    bool: True,
    User: ALICE,
    Event: Event("general", 2, "message", 1.0, ALICE, "m1", MESSAGE),
    Status: "online",
    Reject: Reject("no", "rejected", field="content", retry_after=1.0, plugin="moderation"),
    Invitation: Invitation(Room("tea"), ALICE, 0.0),
    Iterable[str]: ["tea"],
    Iterable[Mapping[str, Any]]: [],
    Mapping[str, int]: {},
    Mapping[str, Any]: {},
}


def events_built() -> dict[str, set[str]]:
    """The fields of what `chatserver.protocol` builds, by type, with everything set that can be."""
    found: dict[str, set[str]] = {json.loads(wire.LIVE)["type"]: set()}
    for function in map(inspect.unwrap, filter(callable, (vars(wire) | vars(replies)).values())):
        if inspect.isfunction(function) and get_type_hints(function).get("return") is bytes:
            hints = {name: hint for name, hint in get_type_hints(function).items() if name != "return"}
            event = json.loads(function(**{name: SAMPLES[hint] for name, hint in hints.items()}))
            fields = set(event) - {"type"}
            # What only some replies have is documented with their requests.
            found[event["type"]] = fields & found.get(event["type"], fields)
    del found["message"]  # from `durable`, whose events have a section of their own
    return found


def test_every_event_without_seq_is_documented_with_its_fields() -> None:
    documented = rows(section(page(PROTOCOL), "Other events"))
    assert {name: names(cells[0]) for name, cells in documented.items()} == events_built()


def test_every_field_of_a_message_is_documented() -> None:
    documented = rows(section(page(PROTOCOL), "Fields of a message"))
    event = Event("general", 1, "message", 0.0, ALICE, MESSAGE.id, MESSAGE)
    fields = wire.event_fields(event)
    assert set(documented) == set(fields) - {"type", "room", "seq", "ts", "user"}
    assert names(documented["files"][0]) == set(msgspec.to_builtins(fields["files"][0]))


def test_every_field_of_a_room_is_documented() -> None:
    room = wire.room_fields(Room("general"), head=1, role="member", other=ALICE, hidden=True)
    assert set(rows(section(page(PROTOCOL), "A room"))) == set(room)


class Overheard:
    """What came of a conversation in which everything is asked: the fields of replies, events and welcomes."""

    def __init__(self, outside: Any) -> None:
        self.outside = outside
        self.replies: dict[str, set[str]] = defaultdict(set)
        self.durable: dict[str, set[str]] = defaultdict(set)
        self.welcome: set[str] = set()

    async def ask(self, client: Client, type_: str, **fields: Any) -> dict[str, Any]:
        reply = await client.ask(type_, **fields)
        self.replies[type_] |= set(reply) - {"type", "re"}
        return reply

    async def listen(self, server: Harness) -> None:
        alice = await server.client("alice", forms=True)
        bob = await server.client("bob")
        self.welcome = (set(alice.welcome) | set(bob.welcome)) - {"type"}
        for client in (alice, bob):
            await self.ask(client, "join", room="general")
        await self._write(alice)
        await self._press(alice)
        sent = await alice.says("ho", "general")
        await alice.says("/poll a b c", "general")
        self.poll = (await alice.hears(kind="polls:poll")).message_id
        for type_, fields in (
            ("typing", {"room": "general"}),
            ("read", {"room": "general", "seq": 1}),
            ("presence", {"status": "away"}),
            ("profile", {}),
            ("block", {"user": "tom", "on": False}),
            ("blocked", {}),
            ("invitations", {}),
            ("sync", {"room": "general", "after": 0}),
            ("history", {"room": "general", "around": 1}),
            ("emoji:find", {"typed": "tada"}),
            ("markdown:preview", {"room": "general", "text": "*x*"}),
            ("emoji:custom", {}),
            ("members", {"room": "general"}),
            ("complete", {"command": "help", "argument": "command"}),
            ("search", {"query": "hi"}),
            ("react", {"message_id": sent["message_id"], "emoji": "🎉"}),
            ("reactions", {"message_id": sent["message_id"]}),
            ("pin", {"message_id": sent["message_id"]}),
            ("pins", {"room": "general"}),
            ("pins:ids", {"room": "general"}),
            ("polls:vote", {"message_id": self.poll, "choices": [0]}),
            ("polls:votes", {"message_id": self.poll}),
            ("polls:close", {"message_id": self.poll}),
            ("mentions", {}),
            ("notify", {"room": "general"}),
            ("mentions:wishes", {}),
            ("receipts", {"room": "general"}),
            ("receipts:show", {}),
            ("receipts:room", {"room": "general", "on": True}),
            ("threads", {}),
            ("threads:of", {"room": "general", "message_ids": [sent["message_id"]]}),
            ("threads:open", {"message_id": sent["message_id"]}),
            ("threads:follow", {"message_id": sent["message_id"]}),
            ("threads:seen", {"message_id": sent["message_id"], "seq": 1}),
            ("reminders", {}),
            ("reminders:add", {"kind": "reminder", "at": time.time() + 9999, "text": "tea"}),
            ("reminders:zone", {"zone": "Europe/Berlin"}),
            ("rooms", {}),
            ("stats", {}),
            ("ping", {}),
        ):
            await self.ask(alice, type_, **fields)
        await self._preview(alice)
        (planned,) = (await alice.ask("reminders")).reminders
        await self.ask(alice, "reminders:cancel", reminder=planned["id"])
        await self._moderate(server, alice)
        number = (await self.ask(alice, "report", user="bob", reason="loud"))["report"]
        for type_, fields in (
            ("reports", {}),
            ("moderation:claim", {"report": number}),
            ("moderation:words", {"room": "general"}),
            ("moderation:close", {"report": number, "outcome": "acted"}),
            ("audit", {"user": "alice"}),
            ("set_room", {"room": "tea", "topic": "Black", "archived": False}),
            ("room_role", {"room": "tea", "user": "tom", "role": "owner"}),
        ):
            await self.ask(alice, type_, **fields)
        await self._second_step(server)
        await self._invite(server, alice)
        for room in ("general", "tea"):
            for event in (await alice.ask("sync", room=room, after=0))["events"]:
                self.durable[event["type"]] |= set(event) - {"type"}
        await self.ask(alice, "leave", room="tea")

    async def _second_step(self, server: Harness) -> None:
        ann = await server.account("anntotp")
        await self.ask(ann, "totp:state")
        secret = (await self.ask(ann, "totp:begin"))["secret"]
        codes = await self.ask(ann, "totp:confirm", code=pyotp.TOTP(secret).now())
        await self.ask(ann, "totp:off", code=codes["recovery"][0])

    async def _invite(self, server: Harness, alice: Client) -> None:
        eve = await server.account("eve")
        await eve.ask("profile", added_by="ask")
        await self.ask(alice, "hide", room=(await alice.says("hi", to="eve"))["room"])
        await alice.says("/invite eve", "general")
        await self.ask(eve, "invitation", room="general", accept=False)

    async def _preview(self, client: Client) -> None:
        self.outside.answer = lambda request: (200, "<title>Tea</title>", {"Content-Type": "text/html"})
        sent = await client.says(self.outside.url, "general")
        await client.hears("links:preview", message_id=sent.message_id)
        await self.ask(client, "links:dismiss", message_id=sent.message_id)

    async def _press(self, client: Client) -> None:
        await client.says("/request tea", "general")
        request = await client.hears(plugin="approve")
        await self.ask(client, "action", message_id=request.message_id, plugin="approve", action="refuse")
        form = await client.hears("form")
        assert set(form.fields[0]) <= set(rows(section(page(PROTOCOL), "Fields of a form")))
        await self.ask(client, "answer", form=form.form)

    async def _write(self, client: Client) -> None:
        """Each twice, as a client does that doesn't know whether it was heard."""
        for _ in range(2):
            sent = await self.ask(client, "message", room="general", content="hi", nonce="n")
        for _ in range(2):
            await self.ask(client, "edit", message_id=sent["message_id"], content="ho", rev=2)
        await self.ask(client, "delete", message_id=sent["message_id"])

    async def _moderate(self, server: Harness, client: Client) -> None:
        for command in ("/topic Tea", "/mute bob 5 loud", "/unmute bob", "/kick bob 5 louder", "/unban bob"):
            await client.says(command, "general")
        rules = {
            "unlisted": True,
            "read_only": True,
            "slow_mode": 1,
            "guests": False,
            "notify": "none",
            "keep_days": 7,
            "permissions": {"guest": {"deny": ["room.topic"]}},
        }
        new = {"name": "tea", "title": "Tea", "topic": "Milk", **rules}
        for method, path, body in (
            ("POST", "rooms", new),
            ("POST", "rooms/tea/members", {"user": "tom"}),
            ("PATCH", "rooms/general", {"title": "All", "history": "joined", "archived": True}),
        ):
            status, answer = await server.api(method, path, body, token=client.token)
            assert status < 300, answer


@pytest.mark.parametrize("what", ["replies", "durable", "welcome"])
async def test_what_a_client_hears_is_documented(
    what: str, chat: Callable[..., Harness], outside: Any
) -> None:
    overheard = Overheard(outside)
    plugins = (*DEFAULT_PLUGINS, "approve")
    options = {"dirs": [ROOT / "examples"], "settings": outside.settings, "patience": 30}
    async with chat(plugins=plugins, accounts={"alice": "moderator", "tom": "member"}, **options) as server:
        await overheard.listen(server)
    text = page(PROTOCOL)
    if what == "welcome":
        assert set(rows(section(text, "Opening").split("### ")[0])) == overheard.welcome
    elif what == "replies":
        overheard.replies["join"].add("gap")  # takes 500 events
        documented = {
            name: names(found[1])
            for name, each in subsections(section(text, "Requests")).items()
            if (found := re.search(r"^Reply: (.*)$", each, re.M))
        }
        assert documented == overheard.replies
    else:
        overheard.durable["edited"].add("extras")  # only where a plugin keeps some
        events = section(text, "Durable events")
        common = names(events.partition("|")[0]) - {"type"}
        documented = {name: names(cells[0]) | common for name, cells in rows(events).items()}
        del documented["message"], documented["PLUGIN:NAME"]
        heard = {type_: fields | common for type_, fields in overheard.durable.items() if type_ != "message"}
        assert documented == heard


def test_every_durable_event_has_what_all_have() -> None:
    common = names(section(page(PROTOCOL), "Durable events").partition("|")[0])
    assert common == {
        "type",
        "room",
        "seq",
        "ts",
        "user",
        *User("u2", "karma", "Karma", "guest", True, "/p").public(),
    }


def test_every_error_code_is_documented() -> None:
    documented = rows(section(page(PROTOCOL), "Errors").partition("### ")[0])
    assert {code: int(cells[0]) for code, cells in documented.items()} == errors.HTTP_STATUS


def test_every_close_code_is_documented() -> None:
    documented = rows(section(page(PROTOCOL), "Close codes"))
    assert {int(code): (cells[0].strip("`"), *cells[1:3]) for code, cells in documented.items()} == {
        int(close): (close.name, close.reason, close.then) for close in errors.Close
    }


def test_the_browser_client_does_after_a_close_what_the_table_says() -> None:
    found = re.findall(r'\[(\d+), "(wait|signin|stop)"\]', page("public/js/protocol.js"))
    # All others it takes for a reason to reconnect.
    spelling = {"wait": "wait", "sign in": "signin", "stay away": "stop"}
    assert {int(code): what for code, what in found} == {
        int(close): spelling[close.then] for close in errors.Close if close.then in spelling
    }


def routes(application: Application) -> set[str]:
    """``GET /api/v1/rooms/{}`` for every method of every route."""
    found = set()
    targets: list[tuple[str, Any]] = [
        (f"{'/api/v1' if route.bare else f'/plugins/{plugin.name}'}/{route.pattern}", route.handler)
        for plugin, route in host().routes
    ]
    targets.append(("/plugins/([^/]+)/static/(.*)", PluginStatic))
    for rule in application.wildcard_router.rules:
        assert isinstance(rule.matcher, PathMatches)
        targets.append((rule.matcher.regex.pattern.removesuffix("$"), rule.target))
    for pattern, target in targets:
        path = re.sub(r"\((?:\?P<\w+>)?[^()]*\)|\[\^/\]\+", "{}", pattern)
        path = "/" if path == "/{}" else path
        for method in RequestHandler.SUPPORTED_METHODS:
            if getattr(target, method.lower()) is not getattr(RequestHandler, method.lower()):
                found.add(f"{method} {path}")
    return found


async def test_every_http_route_is_documented(chat: Callable[..., Harness]) -> None:
    async with chat(plugins=DEFAULT_PLUGINS) as server:
        application = server.server.listener.request_callback
        assert isinstance(application, Application)
        built = routes(application)
    documented = {
        re.sub(r"\{\w+\}", "{}", name) for name in rows(section(page(PROTOCOL), "HTTP")) if name[0].isupper()
    }
    # The page's own HEAD is that of any file.
    assert documented == built - {"HEAD /"}


# ---- commands


async def test_the_browser_client_translates_the_help_of_every_bundled_command(
    chat: Callable[..., Harness],
) -> None:
    async with chat(plugins=DEFAULT_PLUGINS) as server:
        root = await server.account("root", "admin")
        commands = {f"command.{each['plugin']}.{each['name']}" for each in root.welcome.commands}
    # In English it is what the server says.
    for language, wanted in (("en", set()), ("zh-Hans", commands), ("zh-Hant", commands)):
        texts = json.loads(page(f"public/i18n/later/{language}.json"))
        assert {key for key in texts if key.startswith("command.")} == wanted, language


def test_every_command_is_documented() -> None:
    documented = {}
    for plugin in DEFAULT_PLUGINS:
        if f"\n## {plugin}\n" in page("docs/commands.md"):
            for name, cells in rows(section(page("docs/commands.md"), plugin)).items():
                documented[name] = (plugin, *cells)
    assert documented == {f"/{each.name}": described(each) for each in host().commands}


def described(command: Command) -> tuple[str, ...]:
    """A command as its row has it."""
    help_ = command.description.partition("\n")[0]
    if command.aliases:
        help_ += " Also: " + ", ".join(f"`/{alias}`" for alias in command.aliases) + "."
    examples = " ".join(f"`{example}`" for example in command.examples)
    return (
        command.plugin,
        f"`{command.usage}`",
        help_,
        f"`{command.permission}`" if command.permission else "none",
        examples,
    )


def test_every_command_of_the_command_line_is_documented() -> None:
    def walk(group: click.Group, prefix: str) -> Iterator[str]:
        for name, each in group.commands.items():
            if isinstance(each, click.Group):
                yield from walk(each, f"{prefix} {name}")
            if not isinstance(each, click.Group) or each.invoke_without_command:
                yield f"{prefix} {name}"

    documented = rows(section(page("docs/operations.md"), "Starting"))
    assert set(documented) == set(walk(cli.commands, "chatserver"))


# ---- the code's shape


def test_every_folder_is_in_the_layout() -> None:
    listed = set(rows(section(page("docs/architecture.md"), "Layout")))
    package = ROOT / "chatserver"
    there = {f"chatserver/{path.name}" for path in package.glob("*.py")}
    there |= {f"chatserver/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert listed == there


def test_the_layers_are_those_that_are_held() -> None:
    (shown,) = (code for _, code in blocks(section(page("docs/architecture.md"), "Layers"), "text"))
    contracts = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (held,) = (contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert shown.splitlines() == held


def imports_of(path: Path) -> Iterator[str]:
    """The modules and names that a module of ours imports, by their full names, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield from (f"{module}.{each.name}" for each in node.names)


def test_the_arrows_between_packages_are_the_imports() -> None:
    built = {
        (path.relative_to(ROOT).parts[1], name.split(".")[1])
        for path in (ROOT / "chatserver").glob("*/**/*.py")
        for name in imports_of(path)
        if name.startswith("chatserver.")
    }
    packages = {importer for importer, _ in built} | {"model"}
    built = {(importer, each) for importer, each in built if each in packages - {importer}}
    to_model = {(each, "model") for each in packages - {"model"}}
    assert to_model <= built  # said once, for all of them
    (diagram,) = (code for _, code in blocks(page("docs/architecture.md"), "mermaid"))
    arrows = re.findall(r"^ *(\w+) --> (.+)$", diagram, re.M)
    assert {(start, end) for start, ends in arrows for end in ends.split(" & ")} == built - to_model


def test_the_functions_on_a_messages_way_are_there() -> None:
    way = re.findall(
        r"^\| `([^`]+)` \| `([^`]+)` \|", section(page("docs/architecture.md"), "A message's way"), re.M
    )
    assert way
    for path, name in way:
        there = {
            f"{outer.name}.{node.name}" if isinstance(outer, ast.ClassDef) else node.name
            for outer in ast.walk(ast.parse(page(path)))
            for node in ast.iter_child_nodes(outer)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in there, f"no {name} in {path}"


# ---- all pages


@each_page
def test_python_on_a_page_is_python(path: Path) -> None:
    for source, code in blocks(path.read_text(encoding="utf-8"), "python"):
        if source is None:
            ast.parse(code)


@each_page
def test_what_a_page_shows_of_a_file_is_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for source, code in (*blocks(text, "python"), *blocks(text, "text")):
        for part in re.split(r"^# …\n", code, flags=re.M) if source is not None else ():
            assert part.strip("\n") in page(source), f"not in {source}:\n{part}"


@each_page
def test_the_files_a_page_names_are_there(path: Path) -> None:
    missing = {each for each in paths_named(path.read_text(encoding="utf-8")) if not (ROOT / each).exists()}
    assert not missing


def paths_named(text: str) -> set[str]:
    """Files and folders of the source tree that a text names."""
    folders = "(?:chatserver|plugins|public|tests)/"
    return set(re.findall(rf"(?<![\w/.-])({folders}(?:[\w-]+/)*(?:[\w-]+\.\w+)?)(?=[`\s),:;])", text))


def test_nothing_is_still_to_be_filled_in() -> None:
    for path in (*PAGES, *(ROOT / "benchmarks").glob("*.md")):
        unfinished = re.search(
            r"@@|^(<<<<<<<|=======|>>>>>>>)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert unfinished is None, f"{path}: {unfinished}"


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link} has no such heading"


def anchors(text: str) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    headings = (heading for _, heading in _HEADING.findall(_FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        links = _LINK.findall(path.read_text(encoding="utf-8"))
        inside = [link.partition("#")[0] for link in links if not link.startswith(("https://", "#"))]
        waiting += [(path.parent / link).resolve() for link in inside]
    assert set(PAGES) <= reached


def test_the_plugin_in_the_readme_is_the_one_that_ships() -> None:
    assert page("plugins/hello.py") in {code for _, code in blocks(page("README.md"), "python")}


def examples(text: str, base: str) -> dict[str, str]:
    """The plugins and tests that a page shows: code by the name of its class or function."""
    found = (re.search(base, code, re.M) for source, code in blocks(text, "python") if source is None)
    return {match[1]: match.string for match in found if match}


@pytest.mark.parametrize("name", ["README.md", "docs/testing-plugins.md"])
async def test_the_tests_on_a_page_pass(name: str, chat: Callable[..., Harness]) -> None:
    shown = examples(page(name), r"^async def (test_\w+)\(chat\):$")
    assert shown
    for function, code in shown.items():
        namespace: dict[str, Any] = {}
        exec(code, namespace)  # noqa: S102 - it is ours
        await namespace[function](chat)


@each_page
def test_the_settings_on_a_page_are_settings(path: Path, tmp_path: Path) -> None:
    (tmp_path / "my-plugins").mkdir()
    for _, code in blocks(path.read_text(encoding="utf-8"), "yaml"):
        (tmp_path / "config.yaml").write_text(code, encoding="utf-8")
        load(tmp_path / "config.yaml", {})


async def test_the_plugins_on_the_pages_work(chat: Callable[..., Harness], tmp_path: Path) -> None:
    folder = tmp_path / "my-plugins"
    folder.mkdir()
    for name in ("docs/plugins.md", "docs/hooks.md"):
        for plugin, code in examples(page(name), r"^class (\w+)\(Plugin\):$").items():
            (folder / f"{plugin.lower()}.py").write_text(code, encoding="utf-8")
    shown = sorted(path.stem for path in folder.iterdir())
    assert "noshouting" in shown
    async with chat(plugins=shown, dirs=[folder]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused, match="Please don't shout"):
            await alice.says("WHO IS HERE?")


def test_a_deleted_epoch_is_made_anew(tmp_path: Path) -> None:
    """What docs/operations.md says to do after a restore."""
    (statement,) = re.findall(r'sqlite3 \S+ "(DELETE [^"]+)"', page("docs/operations.md"))

    async def epoch() -> str:
        store = Store.open("sqlite:", tmp_path)
        store.close()
        return store.epoch

    first = asyncio.run(epoch())
    assert asyncio.run(epoch()) == first
    with contextlib.closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        connection.execute(statement)
    assert asyncio.run(epoch()) != first


def test_the_changelog_knows_the_version() -> None:
    assert f"first version, {__version__}" in page("CHANGELOG.md")
