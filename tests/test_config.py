"""The settings: defaults, the environment's part, and a clear word for every kind of mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Plugin
from chatserver.config import Settings, load
from chatserver.config.settings import DEFAULT_PLUGINS, Document
from chatserver.model.errors import ConfigError

SAMPLE = Path(__file__).parent.parent / "config.yaml"

Load = Callable[..., Settings]
Mistake = Callable[..., ConfigError]


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Load:
    def read(text: str, **environ: str) -> Settings:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return load(tmp_path / "config.yaml", environ)

    return read


@pytest.fixture(name="mistake")
def _mistake(read: Load) -> Mistake:
    def mistake(text: str, **environ: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            read(text, **environ)
        return caught.value

    return mistake


def facts(settings: Settings) -> dict[str, Any]:
    """All but where it was written, in plain values."""
    plain: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(settings, name), enc_hook=str)
        for name in Document.__struct_fields__
    }
    return plain


# ---- defaults, and config.yaml


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(None, {})
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.data_dir == tmp_path / "data"
    assert [room.name for room in settings.rooms] == ["general"]
    assert tuple(settings.plugins.enabled) == DEFAULT_PLUGINS


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff", "server: {}\n"])
def test_an_empty_file_means_the_defaults(
    read: Load, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert facts(read(text)) == facts(load(None, {}))


def test_the_sample_holds_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLE.parent)
    sample, defaults = facts(load(SAMPLE, {})), facts(load(None, {}))
    for plugin in sample["plugins"]["enabled"].values():
        plugin["settings"] = {}
    assert sample == defaults
    assert list(sample["plugins"]["enabled"]) == list(defaults["plugins"]["enabled"])


@pytest.mark.parametrize("name", load(None, {}).plugins.enabled)
def test_the_sample_holds_each_plugins_settings_and_their_defaults(name: str) -> None:
    module = import_module(f"chatserver_plugins.{name}")
    (plugin,) = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Plugin) and each is not Plugin
    ]
    settings = load(SAMPLE, {})
    written = settings.plugins.enabled[name].settings
    assert settings.source.convert(written, plugin.Settings) == plugin.Settings()
    assert set(written) == set(plugin.Settings.__struct_fields__)


def keys_of(shape: Any, path: str = "") -> Iterator[str]:
    """Every key of the settings' types, but those that stand inside an optional section."""
    if isinstance(shape, msgspec.inspect.VarTupleType):
        yield from keys_of(shape.item_type, path)
    if isinstance(shape, msgspec.inspect.StructType):
        for field in shape.fields:
            yield f"{path}{field.name}"
            # A list that is empty by itself has its keys in a comment.
            if field.default != ():
                yield from keys_of(field.type, f"{path}{field.name}.")


def keys_in(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from keys_in(item, path)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}{key}"
            if path + key != "plugins.enabled":
                yield from keys_in(inner, f"{path}{key}.")


@pytest.mark.parametrize(
    ("store", "url", "said"),
    [
        ("", "redis://h", "SQLite is for one alone"),
        ("store: {url: 'memory:'}", "redis://h", "SQLite is for one alone"),
        ("store: {url: 'postgresql:///c'}", "amqp://h", "names no bus there is"),
        ("store: {url: 'postgresql:///c', durability: normal}", "redis://h", "has to be full with bus.url"),
    ],
)
def test_a_bus_needs_a_database_for_several(tmp_path: Path, store: str, url: str, said: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"{store}\nbus: {{url: '{url}'}}\n")
    with pytest.raises(ConfigError, match=said):
        load(file, {})
    file.write_text("store: {url: 'postgresql:///c'}\nbus: {url: 'rediss://h', prefix: 'a b'}\n")
    with pytest.raises(ConfigError, match=r"bus\.prefix"):
        load(file, {})


def test_the_sample_has_every_key_and_no_other() -> None:
    text = SAMPLE.read_text()
    assert set(keys_in(yaml.safe_load(text))) == set(keys_of(msgspec.inspect.type_info(Document)))
    for key in (
        "cert:",
        "key:",
        "on_error:",
        "rooms:",
        "issuer:",
        "audience:",
        "keys:",
    ):  # optional: shown in comments
        assert re.search(rf"#.*\b{key}", text), key


# ---- what works


def test_relative_paths_start_from_the_files_folder(read: Load, tmp_path: Path) -> None:
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).touch()
    (tmp_path / "mine").mkdir()
    settings = read(
        "data_dir: ./kept\n"
        "server: {tls: {cert: chain.pem, key: key.pem}}\n"
        "plugins: {dirs: [mine], enabled: {}}\n"
    )
    assert settings.data_dir == tmp_path / "kept"
    assert settings.server.tls is not None
    assert settings.server.tls.key == tmp_path / "key.pem"
    assert settings.plugins.dirs == (tmp_path / "mine",)
    assert settings.plugins.enabled == {}


def test_plugins_keep_their_order_and_their_own_settings(read: Load) -> None:
    settings = read(
        "plugins:\n"
        "  enabled:\n"
        "    zebra: {words: [a], on_error: reject, rooms: [tea]}\n"
        "    apple:\n"
        "    settings: {settings: 1}\n"
    )
    assert list(settings.plugins.enabled) == ["zebra", "apple", "settings"]
    zebra = settings.plugins.enabled["zebra"]
    assert (zebra.settings, zebra.on_error, zebra.rooms) == ({"words": ["a"]}, "reject", ("tea",))
    assert settings.plugins.enabled["apple"].settings == {}
    assert settings.plugins.enabled["settings"].settings == {"settings": 1}


def test_rooms_are_written_as_the_server_writes_them(read: Load) -> None:
    (room,) = read("rooms: [{name: cafe\u0301, title: ' At  the\tbar '}]").rooms
    plugins = read("plugins: {enabled: {emoji: {rooms: ['#Cafe\u0301', general]}}}").plugins.enabled
    assert plugins["emoji"].rooms == ("café", "general")
    assert (room.name, room.title) == ("caf\u00e9", "At the bar")


# ---- the environment


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("name: ${WHO}", "Tea", 8080),
        ("name: the ${WHO} ${NONE:-room}", "the Tea room", 8080),
        ("name: '${EMPTY:-Tea}'", "Tea", 8080),
        ("name: $${WHO}", "${WHO}", 8080),
        ("name: $WHO $ {WHO}", "$WHO $ {WHO}", 8080),
        ("name: '${PORT}'", "9000", 8080),
        ("port: ${PORT}", "chatserver", 9000),
        ("port: ${NONE:-9001}", "chatserver", 9001),
    ],
)
def test_variables_in_strings(read: Load, text: str, name: str, port: int) -> None:
    server = read(f"server:\n  {text}\n", WHO="Tea", EMPTY="", PORT="9000").server
    assert (server.name, server.port) == (name, port)


def test_an_empty_variable_is_empty_text(read: Load) -> None:
    assert read("server:\n  public_url: ${URL}\n", URL="").server.public_url == ""


def test_the_env_file_counts_below_the_environment(read: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WHO=Tea\nPORT='1'\n# x\nexport CHATSERVER_LOG__FORMAT=json\n")
    settings = read("server:\n  name: ${WHO}\n  port: ${PORT}\n", PORT="2")
    assert (settings.server.name, settings.server.port) == ("Tea", 2)
    assert settings.log.format == "json"


def test_overrides(read: Load) -> None:
    settings = read(
        "server: {port: 1, name: a}\nauth:\n",
        CHATSERVER_SERVER__PORT="9000",
        CHATSERVER_AUTH="{guest_days: 3, session_days: 4}",
        CHATSERVER_AUTH__GUEST_DAYS="5",
        CHATSERVER_SERVER__PUBLIC_URL="",
        CHATSERVER_SERVER__ALLOWED_ORIGINS="[https://a.example]",
        CHATSERVER_PLUGINS__ENABLED__HISTORY__REPLAY="20",
        HOME="/",
    )
    assert (settings.server.port, settings.server.name) == (9000, "a")
    assert (settings.auth.guest_days, settings.auth.session_days) == (5, 4)
    assert settings.server.allowed_origins == ("https://a.example",)
    assert tuple(settings.plugins.enabled) == DEFAULT_PLUGINS
    assert settings.plugins.enabled["history"].settings == {"replay": 20}


# ---- mistakes

MISTAKES = [
    # text, line, path, what the message says, expected, suggestion
    ("server:\n  prot: 1", 2, "server.prot", "unknown key", None, "port"),
    ("srver: {}", 1, "srver", "unknown key", None, "server"),
    ("log:\n  zzz: 1", 2, "log.zzz", "unknown key", "one of: level, format", None),
    ("rooms:\n- name: a\n- name: b\n  tipic: x", 4, "rooms[1].tipic", "unknown key", None, "topic"),
    ("auth: {permissions: {moderatr: []}}", 1, "auth.permissions.moderatr", "unknown", None, "moderator"),
    ("server:\n  port: many", 2, "server.port", 'is "many"', "a port, 0 to 65535", None),
    ("server:\n  port: '80'", 2, "server.port", "is text", "a port", None),
    ("server:\n  port: 65536", 2, "server.port", "is 65536", "a port", None),
    ("server:\n  port: -1", 2, "server.port", "is -1", "a port", None),
    ("server:\n  port: 1.5", 2, "server.port", "is 1.5", "a port", None),
    ("server:\n  port:\n    - 1", 2, "server.port", "is a list", "a port", None),
    ("server:\n  name: ''", 2, "server.name", "is empty text", "text that isn't empty", None),
    ("server:\n\n  tls: 4", 3, "server.tls", "is 4", "a mapping (key: value) or nothing", None),
    ("server:\n  tls: {cert: a}", 2, "server.tls", 'the key "key" is missing', None, None),
    ("server:\n  tls: {cert: a,\n    key: b}", 2, "server.tls.cert", "there is no file", None, None),
    ("server: {public_url: example.org}", 1, "server.public_url", "", "an address with https://", None),
    ("server: {allowed_origins: [https://a/b]}", 1, "server.allowed_origins[0]", "", "an origin", None),
    ("server: {trusted_proxies: [here]}", 1, "server.trusted_proxies[0]", "here", "an IP address", None),
    ("server: 1", 1, "server", "is 1", "a mapping", None),
    ("data_dir: [a]", 1, "data_dir", "is a list", "text", None),
    ("data_dir: ''", 1, "data_dir", "is no path", None, None),
    ("store: {url: 'mysql://x'}", 1, "store.url", "no storage", '"memory:"', None),
    ("store: {url: 'sqlite:chat.db'}", 1, "store.url", "no storage", "/absolute/path.db", None),
    ("store: {durability: ful}", 1, "store.durability", 'is "ful"', None, "full"),
    ("store: {durability: 3}", 1, "store.durability", "is 3", "one of: full, normal", None),
    ("auth: {guests: 'yes'}", 1, "auth.guests", "is", "true or false", None),
    ("auth: {guest_days: 0}", 1, "auth.guest_days", "is 0", "days", None),
    ("limits: {connections: 0}", 1, "limits.connections", "is 0", "1 to 1000000000", None),
    ("limits: {frame_bytes: 1023}", 1, "limits.frame_bytes", "is 1023", "1024", None),
    ("limits: {burst: 9999999999999999999999}", 1, "limits.burst", "large number", None, None),
    ("limits: {messages_per_second: .nan}", 1, "limits.messages_per_second", "nan", "above 0", None),
    ("rooms:\n- name: #tea", 2, "rooms[0].name", "is nothing", "text", None),
    ("rooms:\n- name: tea\n  topic: no", 3, "rooms[0].topic", "is false", "text (put it in quotes)", None),
    ("server:\n  host: 'a': b", 2, None, "not YAML", None, None),
    (
        "server: {trusted_proxies: [2001:db8::]}",
        1,
        "server.trusted_proxies[0]",
        "is a mapping",
        "(put it in quotes)",
        None,
    ),
    ("rooms:\n- topic: x", 2, "rooms[0]", 'the key "name" is missing', None, None),
    ("rooms:\n- name: Tea", 2, "rooms[0].name", "upper-case", None, None),
    ("rooms:\n- name: a\n- name: a", 3, "rooms[1].name", "there already", None, None),
    ("rooms: {name: tea}", 1, "rooms", "is a mapping", "a list", None),
    ("rooms: [{name: a, kind: direct}]", 1, "rooms[0].kind", 'is "direct"', "private, public", None),
    ("plugins: {dirs: [nowhere]}", 1, "plugins.dirs[0]", "there is no folder", None, None),
    ("plugins: {enabled: [history]}", 1, "plugins.enabled", "is a list", "a mapping", None),
    ("plugins:\n  enabled:\n    emoji: 1", 3, "plugins.enabled.emoji", "is 1", "a mapping", None),
    ("plugins: {enabled: {a: {on_error: skp}}}", 1, "plugins.enabled.a.on_error", "", None, "skip"),
    ("plugins: {enabled: {a: {rooms: x}}}", 1, "plugins.enabled.a.rooms", 'is "x"', "a list", None),
    ("plugins: 3", 1, "plugins", "is 3", "a mapping", None),
    ("server:\n  port: 1\n  name: a\n  port: 2", 4, "server.port", "twice, first on line 2", None, None),
    ("server: {name: '${NOPE}'}", 1, "server.name", "variable NOPE is not set", None, None),
    ("server: {name: '${no'}", 1, "server.name", "${ is not followed", None, None),
    ("a: &x 1\nb: *x", 2, None, "aliases", None, None),
    ("a: !x 1", 1, "a", "the tag !x", None, None),
    ("a: !x {}", 1, "a", "the tag !x", None, None),
    ("a: !!int x", 1, "a", "is no int", None, None),
    ("a: !!int ''", 1, "a", "is no int", None, None),
    ("a: !!bool x", 1, "a", "is no bool", None, None),
    ("server:\n  yes: x", 2, "server", "the key yes is not text", "quotes", None),
    ("server:\n  ? [a]\n  : x", 2, "server", "the key is not text", None, None),
    ("server:\n  name: [a", 2, None, "not YAML", None, None),
    ("server: {}\n---\nserver: {}", 2, None, "not YAML", None, None),
    ('server: {name: "\\ud800"}', 1, "server.name", "surrogate", None, None),
    ("- 1", 1, None, "holds no settings", None, None),
    ("a\x00b", None, None, "not YAML", None, None),
    ("[" * 3000, None, None, "nested too deeply", None, None),
]


@pytest.mark.parametrize(("text", "line", "path", "message", "expected", "suggestion"), MISTAKES)
def test_a_mistake_is_told_with_its_place(
    mistake: Mistake,
    tmp_path: Path,
    text: str,
    line: int | None,
    path: str | None,
    message: str,
    expected: str | None,
    suggestion: str | None,
) -> None:
    error = mistake(text)
    assert (error.file, error.line, error.path) == (str(tmp_path / "config.yaml"), line, path)
    assert message in error.message
    assert (expected or "") in (error.expected or "")
    assert error.suggestion == suggestion
    assert "\n" not in str(error)
    assert "`" not in str(error)


def test_a_mistake_reads_as_one_line(mistake: Mistake, tmp_path: Path) -> None:
    said = str(mistake("server:\n  prot: 8080\n")).removeprefix(f"{tmp_path}/")
    assert said == 'config.yaml:2: server.prot: unknown key; did you mean "port"?'


SERVICE_LINKS = {
    "CHATSERVER_SERVICE_HOST": "10.43.0.17",
    "CHATSERVER_SERVICE_PORT": "8080",
    "CHATSERVER_SERVICE_PORT_HTTP_WS": "8080",
    "CHATSERVER_PORT": "tcp://10.43.0.17:8080",
    "CHATSERVER_PORT_8080_TCP": "tcp://10.43.0.17:8080",
    "CHATSERVER_PORT_8080_TCP_PROTO": "tcp",
    "CHATSERVER_PORT_8080_TCP_PORT": "8080",
    "CHATSERVER_PORT_8080_TCP_ADDR": "10.43.0.17",
    "CHATSERVER_PORT_53_UDP": "udp://[fd00::17]:53",
    # Of the services chatserver-server, chatserver-log and chatserver-postgresql beside it.
    "CHATSERVER_SERVER_PORT": "tcp://10.43.0.18:9000",
    "CHATSERVER_SERVER_PORT_9000_TCP_ADDR": "10.43.0.18",
    "CHATSERVER_LOG_SERVICE_HOST": "10.43.0.19",
    "CHATSERVER_POSTGRESQL_SERVICE_PORT_TCP_POSTGRESQL": "5432",
}


def test_what_kubernetes_says_of_its_services_is_no_setting(read: Load) -> None:
    settings = read("", **SERVICE_LINKS, CHATSERVER_SERVER__PORT="9000")
    assert settings.server.port == 9000
    assert facts(settings) == facts(read("", CHATSERVER_SERVER__PORT="9000"))


@pytest.mark.parametrize(
    ("name", "value", "suggestion"),
    [
        ("CHATSERVER_SERVER__PROT", "9000", "CHATSERVER_SERVER__PORT"),
        ("CHATSERVER_PORT", "9000", None),
        ("CHATSERVER_SERVER_PORT", "9000", "CHATSERVER_SERVER__PORT"),
        ("CHATSERVER_SERVER__PORTS", "tcp://10.43.0.17:8080", "CHATSERVER_SERVER__PORT"),
        ("CHATSERVER_SERVER_HOST", "::", "CHATSERVER_SERVER__HOST"),
        ("CHATSERVER_PORT_8080", "tcp://10.43.0.17:8080", None),
        ("CHATSERVER_SERVICE", "1", "CHATSERVER_SERVER"),
    ],
)
def test_a_typo_beside_service_variables_is_still_told(
    mistake: Mistake, name: str, value: str, suggestion: str | None
) -> None:
    error = mistake("", **{**SERVICE_LINKS, name: value})
    assert (error.file, error.message) == (name, "no setting has this name")
    assert suggestion is None or error.suggestion == suggestion


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.host", "::"),
        ("server.host", "fe80::1%eth0"),
        ("server.name", "2024"),
        ("server.name", "tea: and coffee # all day"),
        ("server.name", "[tea]"),
        ("server.name", "*"),
        ("server.name", "no"),
        ("server.public_url", "http://[::1]:8080"),
        ("store.url", "memory:"),
        ("store.url", "sqlite:"),
        ("store.durability", "normal"),
        ("data_dir", "/srv/a: b"),
        ("log.level", "debug"),
    ],
)
def test_text_in_the_environment_is_taken_as_it_is(read: Load, name: str, value: str) -> None:
    found: object = read("", **{"CHATSERVER_" + name.replace(".", "__").upper(): value})
    for key in name.split("."):
        found = getattr(found, key)
    assert str(found) == value


@pytest.mark.parametrize(
    ("variable", "value", "path", "message", "suggestion"),
    [
        ("CHATSERVER_SERVER__NAME", "\udcff", None, "not UTF-8", None),
        ("CHATSERVER_STORE__URL", "memory", "store.url", "no storage", None),
        ("CHATSERVER_LOG__LEVEL", "off", "log.level", 'is "off"', None),
        (
            "CHATSERVER_SERVER__TRUSTED_PROXIES",
            "[2001:db8::]",
            "server.trusted_proxies[0]",
            "a mapping",
            None,
        ),
        ("CHATSERVER_SERVER__PRT", "1", None, "no setting", "CHATSERVER_SERVER__PORT"),
        ("CHATSERVER_SERVER__NAME__X", "1", None, "no setting", "CHATSERVER_SERVER__NAME"),
        ("CHATSERVER_SERVER__PORT", "x", "server.port", 'is "x"', None),
        ("CHATSERVER_SERVER", "{prot: 1}", "server.prot", "unknown key", "port"),
        ("CHATSERVER_SERVER", "{port: 1", None, "not YAML", None),
        ("CHATSERVER_PLUGINS__ENABLED__HISTORY", "3", "plugins.enabled.history", "is 3", None),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    mistake: Mistake, variable: str, value: str, path: str | None, message: str, suggestion: str | None
) -> None:
    error = mistake("server:\n  port: 80\n", **{variable: value})
    assert (error.file, error.line, error.path) == (variable, None, path)
    assert message in error.message
    assert error.suggestion == suggestion


def test_an_override_below_a_wrong_value_leaves_that_mistake_to_be_told(mistake: Mistake) -> None:
    error = mistake("server: 3\n", CHATSERVER_SERVER__PORT="1")
    assert (error.path, error.message, error.line) == ("server", "is 3", 1)


def test_a_bad_line_in_the_env_file_is_told(mistake: Mistake, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n'B\n")
    error = mistake("")
    assert (error.file, error.line) == (".env", 2)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"server: {name: caf\xe9}")
    for name, message in (("none.yaml", "No such file"), (".", "directory"), ("latin.yaml", "not UTF-8")):
        with pytest.raises(ConfigError, match=message):
            load(tmp_path / name, {})


# ---- a plugin's own settings


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class PluginSettings:
    replay: int = 50
    words: tuple[str, ...] = ()
    colour: Colour = Colour.RED
    sizes: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    inner: Inner | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.replay < 0:
            raise ValueError("replay can't be negative")


def convert(read: Load, text: str) -> PluginSettings:
    settings = read(f"plugins:\n  enabled:\n    demo:\n      {text}\n")
    raw = settings.plugins.enabled["demo"].settings
    return settings.source.convert(raw, PluginSettings, ("plugins", "enabled", "demo"))


def test_a_plugins_settings_are_typed(read: Load, tmp_path: Path) -> None:
    demo = convert(read, "{words: [a, b], colour: blue, sizes: {a: {b: 1}}, inner: {size: 2}, folder: x}")
    assert demo == PluginSettings(
        words=("a", "b"),
        colour=Colour.BLUE,
        sizes={"a": {"b": 1}},
        inner=Inner(size=2),
        folder=tmp_path / "x",
    )


@pytest.mark.parametrize(
    ("text", "line", "path", "message", "suggestion"),
    [
        ("repaly: 3", 4, "repaly", "unknown key", "replay"),
        ("inner:\n        sise: 3", 5, "inner.sise", "unknown key", "size"),
        ("inner: {size: x}", 4, "inner.size", 'is "x"', None),
        ("words: [a,\n        no]", 5, "words[1]", "is false", None),
        ("colour: blu", 4, "colour", 'is "blu"', "blue"),
        ("sizes:\n        a: {x: 1}\n        b.c: {y: z}", 6, "sizes.b.c.y", 'is "z"', None),
        ("replay: -1", 3, "", "replay can't be negative", None),
    ],
)
def test_a_plugins_settings_get_the_same_care(
    read: Load, text: str, line: int, path: str, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        convert(read, text)
    error = caught.value
    assert error.line == line
    assert error.path == f"plugins.enabled.demo.{path}".rstrip(".")
    assert message in error.message
    assert error.suggestion == suggestion


def test_a_plugin_without_settings_takes_none(read: Load) -> None:
    settings = read("plugins:\n  enabled:\n    emoji:\n      x: 1\n")
    path = ("plugins", "enabled", "emoji")
    with pytest.raises(ConfigError) as caught:
        settings.source.convert(settings.plugins.enabled["emoji"].settings, Plugin.Settings, path)
    assert (caught.value.line, caught.value.path) == (4, "plugins.enabled.emoji.x")
    assert caught.value.message == "unknown key"


def test_the_host_can_point_at_a_plugin(read: Load) -> None:
    settings = read("plugins:\n  enabled:\n    histroy: {}\n")
    path = ("plugins", "enabled", "histroy")
    error = settings.source.error(path, "no such plugin", among=["basics", "history"])
    assert (error.line, error.path, error.suggestion) == (3, "plugins.enabled.histroy", "history")


# ---- anything at all

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
PLAIN = st.text("abcdefghij", min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)


def section(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


SETTINGS = section(
    server=section(
        name=TEXT.filter(bool),
        port=st.integers(0, 65535),
        public_url=st.sampled_from(["", "https://chat.example.org/x"]),
        trusted_proxies=st.lists(st.ip_addresses().map(str), max_size=2),
    ),
    store=section(url=st.sampled_from(["sqlite:", "memory:", "sqlite:/a/${b}.db"])),
    auth=section(guests=st.booleans(), permissions=section(guest=st.lists(TEXT.filter(bool), max_size=2))),
    limits=section(burst=st.integers(1, 10**9), messages_per_second=st.floats(0.001, 1000)),
    rooms=st.lists(
        st.fixed_dictionaries({"name": PLAIN}, optional={"kind": st.sampled_from(["public", "private"])}),
        max_size=3,
        unique_by=lambda room: room["name"],
    ),
    log=section(level=st.sampled_from(["debug", "error"])),
    plugins=section(enabled=st.dictionaries(PLAIN, st.dictionaries(PLAIN, VALUES, max_size=3), max_size=3)),
)


def agrees(written: Any, found: Any) -> bool:
    """Whether all that was written is found; what was left out may be anything."""
    if isinstance(written, dict) and isinstance(found, dict):
        return all(key in found and agrees(value, found[key]) for key, value in written.items())
    if isinstance(written, list) and isinstance(found, list | tuple):
        return len(written) == len(found) and all(map(agrees, written, found))
    return bool(written == found)


@given(SETTINGS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, written: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    dumped = yaml.safe_dump(written, allow_unicode=True, sort_keys=False)
    path.write_text(dumped.replace("${", "$${"), encoding="utf-8")
    found = facts(load(path, {}))
    enabled = found["plugins"]["enabled"]
    found["plugins"]["enabled"] = {name: plugin["settings"] for name, plugin in enabled.items()}
    assert agrees(written, found)


def settings_or_mistake(path: Path | None, environ: dict[str, str]) -> Settings | ConfigError:
    try:
        return load(path, environ)
    except ConfigError as error:
        return error


WORDS = (
    st.sampled_from([*"-{}[]:,'#?|>~%@=\"\\\n\t\x85", "\n  ", ": ", "- ", "---", "...", "<<"])
    | st.sampled_from(
        ["server", "rooms", "name", "port", "plugins", "enabled", "${", "$${A}", "${A:-", "&a", "*a", "!!int"]
    )
    | st.sampled_from(["!!set", "1", "0o9", "0x_", "1:99", "2024-13-45", ".inf", "no"])
)
SCRAPS = st.lists(WORDS, max_size=30).map("".join).map(str.encode)
DOCUMENTS = st.dictionaries(st.sampled_from(Document.__struct_fields__), VALUES).map(
    lambda value: yaml.safe_dump(value).encode()
)


@given(
    st.binary(max_size=60) | st.text().map(lambda text: text.encode("utf-8", "replace")) | SCRAPS | DOCUMENTS
)
def test_anything_gives_settings_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    outcome = settings_or_mistake(path, {"A": "a"})
    assert isinstance(outcome, Settings) or outcome.file == str(path)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_any_override_gives_settings_or_a_config_error(value: str) -> None:
    for name in (
        "CHATSERVER_SERVER__NAME",
        "CHATSERVER_ROOMS",
        "CHATSERVER_PLUGINS__ENABLED__" + value.upper(),
    ):
        outcome = settings_or_mistake(None, {name: value})
        assert isinstance(outcome, Settings) or outcome.file == name
