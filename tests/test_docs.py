"""What the documentation says is what the code does, name by name, in both directions."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec
import pytest
from msgspec import NODEFAULT, UNSET
from msgspec import inspect as shapes
from tornado.routing import PathMatches
from tornado.web import RequestHandler

from chatserver import __all__ as face
from chatserver import chatapi, cli, errors, hookspecs
from chatserver.config import load
from chatserver.config.settings import Document, PluginConfig
from chatserver.model import Event, Message, Room, User
from chatserver.plugin import Plugin
from chatserver.plugins import PluginHost
from chatserver.protocol import events as wire
from chatserver.protocol import requests
from chatserver.testing import Harness

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
BUNDLED = ("basics", "moderation", "emoji", "history", "files")

_FENCE = re.compile(r"(?:<!-- (?P<source>\S+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^(#+) (.*)$", re.M)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


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
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
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


def host() -> PluginHost:
    """The bundled plugins, as they are enabled by default."""
    made = PluginHost(load(None, {}))
    made.load()
    return made


# ---- hooks


def signatures() -> dict[str, str]:
    """``def before_post(self, draft: Draft) -> Draft | None`` by name; ``async`` where a plugin's may be, too."""
    tree = ast.parse(inspect.getsource(hookspecs))
    return {
        node.name: textwrap.dedent(ast.unparse(_bodiless(node))).splitlines()[-1].removesuffix(":")
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
        for node in each.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _bodiless(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    node.decorator_list, node.body = [], []
    return node


def test_every_hook_is_documented_with_its_signature() -> None:
    documented = {
        name: next(code for _, code in blocks(text, "python")).strip()
        for name, text in subsections(page("docs/hooks.md")).items()
    }
    assert documented == signatures()


def test_what_hooks_may_not_be_async_is_documented() -> None:
    listed = names(section(page("docs/hooks.md"), "Which may be async").split("\n\n")[1])
    assert listed == hookspecs.SYNC_ONLY


# ---- what plugins are written with


def test_every_name_of_the_face_is_documented() -> None:
    assert set(rows(section(page("docs/plugins.md"), "What there is to import"))) == set(face) - {"__version__"}


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
        ("self.chat", (chatapi.ChatAPI,)),
        ("self.db", (chatapi.Database, chatapi.Transaction)),
        ("self", (Plugin,)),
    ],
)
def test_every_method_a_plugin_has_is_documented(heading: str, protocols: tuple[type, ...]) -> None:
    listed = rows(section(page("docs/plugins.md"), f"What is in `{heading}`"))
    # cancel_tasks is the host's to call.
    wanted = {each for each in methods(*protocols) if not each.startswith("cancel_tasks")}
    assert {name for name in listed if "(" in name} == wanted


def test_every_name_of_the_browser_api_is_documented() -> None:
    source = page("public/js/plugins.js")
    header = source[: source.index("*/")]
    text = page("docs/client.md")
    assert set(rows(section(text, "What `chat` has"))) == set(re.findall(r"^ \*   (chat\.\w+)", header, re.M))
    slots = re.search(r"@typedef \{([^}]*)\} Slot", source)
    assert slots
    assert set(rows(section(text, "Slots"))) == set(re.findall(r'"([^"]+)"', slots[1]))


# ---- settings


def settings() -> dict[str, tuple[str, str]]:
    """Every key by its path, with type and default."""
    found = dict(_leaves(Document, ""))
    found.update(_leaves(PluginConfig, "plugins.enabled.NAME."))
    del found["plugins.enabled.NAME.settings"]  # stands for the plugin's own
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
    known = {*CORE, *(name for _, own in plugins.hooks.collect("register_permissions") for name in own)}
    users = [User("u", "u", "u", role) for role in ROLES]
    return {
        name: next(user.role for user in users if plugins.permissions.may(user, name)) for name in known
    }


def test_every_permission_is_documented() -> None:
    documented = rows(section(page("docs/config.md"), "Permissions"))
    assert {name: cells[0] for name, cells in documented.items()} == permissions()


# ---- the wire


def wire_requests() -> dict[str, type]:
    """The fields of every request by its type: the core's, and those of the bundled plugins."""
    found = {each.__struct_config__.tag: each for each in get_args(requests.Core)}
    return {**found, **{name: spec.fields for name, (_, spec) in host().requests.items()}}


def test_every_request_is_documented_with_its_fields() -> None:
    documented = {
        name: {field: tuple(cells[:2]) for field, cells in rows(text).items()}
        for name, text in subsections(section(page("docs/protocol.md"), "Requests")).items()
    }
    built = {name: fields_of(type_) for name, type_ in wire_requests().items()}
    for fields in built.values():
        fields.pop("id", None)  # said once, for all of them
    assert documented == built


def test_the_fields_of_resume_are_documented() -> None:
    documented = rows(section(page("docs/protocol.md"), "Resuming"))
    assert {name: tuple(cells[:2]) for name, cells in documented.items()} == fields_of(requests.Resume)


ALICE = User("u1", "alice", "Alice", "member")
MESSAGE = Message(
    "m1", "general", 2, 1.0, ALICE, "hi", "hi", nonce="n", reply_to="m0", edited_at=2.0, deleted=True,
    attachments=(Attachment("f1", "a.png", 1, "image/png", "/f1"),),
)  # fmt: skip
SAMPLES: Mapping[Any, Any] = {
    str: "text",
    int: 7,
    float: 1.0,
    bool: True,
    str | None: "text",
    User: ALICE,
    Event: Event("general", 2, "message", 1.0, ALICE, "m1", MESSAGE),
    Status: "online",
    Reject: Reject("no", "rejected", field="content", retry_after=1.0, plugin="moderation"),
    Iterable[str]: ["tea"],
    Iterable[Mapping[str, Any]]: [],
    Mapping[str, int]: {},
    Mapping[str, Any]: {},
}


def events_built() -> dict[str, set[str]]:
    """The fields of what `chatserver.protocol.events` builds, by type, with everything set that can be."""
    found = {}
    for function in vars(wire).values():
        if not inspect.isfunction(function) or function.__module__ != wire.__name__:
            continue
        hints = get_type_hints(function)
        if hints.pop("return") is bytes:
            event = json.loads(function(**{name: SAMPLES[hint] for name, hint in hints.items()}))
            found[event.pop("type")] = set(event)
    return {**found, json.loads(wire.LIVE)["type"]: set()}


def test_every_event_is_documented_with_its_fields() -> None:
    text = page("docs/protocol.md")
    durable, ephemeral = section(text, "Durable events"), section(text, "Other events")
    built = events_built()
    common = names(durable[: durable.index("|")])
    message = set(rows(section(text, "`message`"))) | common
    assert message == built.pop("message")
    documented = {name: names(cells[0]) for name, cells in rows(ephemeral).items()}
    welcome = {"welcome": set(rows(section(text, "Opening")))}
    assert {**documented, **welcome} == {**built, "welcome": welcome["welcome"]}


