"""What can be set: one struct per section of the YAML, with each key's type, range and default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from ..model.values import History
from .source import Source

Port = Annotated[int, Meta(ge=0, le=65535, description="a port, 0 to 65535")]
Count = Annotated[int, Meta(ge=1, le=10**9, description="a whole number, 1 to 1000000000")]
SlowMode = Annotated[int, Meta(ge=0, le=21600, description="a whole number of seconds, 0 to 21600 (6 hours)")]
KeepDays = Annotated[int, Meta(ge=0, le=36500, description="a whole number of days, 0 to 36500")]
Days = Annotated[int, Meta(ge=1, le=36500, description="a whole number of days, 1 to 36500")]
Sessions = Annotated[int, Meta(ge=1, le=1000, description="a whole number, 1 to 1000")]
Traces = Annotated[int, Meta(ge=0, le=100_000, description="a whole number, 0 to 100000")]
Memory = Annotated[int, Meta(ge=1, le=4096, description="a whole number of MiB, 1 to 4096")]
FrameBytes = Annotated[
    int, Meta(ge=1024, le=2**26, description="a whole number of bytes, 1024 (1 KiB) to 67108864 (64 MiB)")
]
BufferBytes = Annotated[
    int, Meta(ge=2**16, le=2**30, description="a whole number of bytes, 65536 (64 KiB) to 1073741824 (1 GiB)")
]
Rate = Annotated[float, Meta(gt=0, le=100_000, description="a number above 0, at most 100000")]
BusPrefix = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="1 to 64 letters, digits, _, - or .")
]
NonEmpty = Annotated[str, Meta(min_length=1, description="text that isn't empty")]
Url = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^\s/]+.*)?$",
        description="an address with https:// (or http://) in front, such as https://chat.example.org",
    ),
]
Origin = Annotated[
    str,
    Meta(pattern=r"^https?://[^\s/]+$", description="an origin such as https://chat.example.org, no path"),
]


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Tls(_Section, frozen=True, kw_only=True):
    """A certificate for serving https without a proxy in front."""

    cert: Path
    """PEM file with the certificate chain, relative to the settings file."""
    key: Path
    """PEM file with the private key, relative to the settings file."""


class Server(_Section, frozen=True, kw_only=True):
    """Where the server listens, and under which name people reach it."""

    name: NonEmpty = "chatserver"
    """Shown to people, in the page's title and in ``welcome``."""
    host: NonEmpty = "127.0.0.1"
    """The address to listen on; ``0.0.0.0`` for all of IPv4, ``::`` for all of IPv4 and IPv6."""
    port: Port = 8080
    """The TCP port; 0 takes a free one."""
    public_url: Url = ""
    """The address people type, when a proxy stands in front; empty: host and port."""
    allowed_origins: tuple[Origin, ...] = ()
    """Further web origins whose pages may connect; the server's own always may."""
    trusted_proxies: tuple[NonEmpty, ...] = ()
    """IP addresses or networks (CIDR) whose X-Forwarded-For is believed."""
    tls: Tls | None = None
    transport: Literal["lean", "stream"] = "lean"
    """How WebSockets are read and written: ``lean``, on the bare socket, or ``stream``, through Tornado (slower; TLS
    always is)."""
    compiled: bool = True
    """Whether messages are sent by compiled code, where it could be compiled at installation; it is only faster."""
    compression: bool = False
    """Whether frames of more than 1 KiB are compressed for the clients that take it."""


class StoreConfig(_Section, frozen=True, kw_only=True):
    """Where messages are kept."""

    url: str = "sqlite:"
    """``sqlite:`` (chat.db in data_dir), ``sqlite:/absolute/path.db``, ``postgresql://user@host/db``, or ``memory:``
    (gone at the end)."""
    durability: Literal["full", "normal"] = "full"
    """``full``: on the disk before a message is acknowledged; ``normal``: a power cut may cost the last moments."""


class BusConfig(_Section, frozen=True, kw_only=True):
    """How several servers on one database hear of each other."""

    url: str = ""
    """``redis://host:6379/0`` or ``rediss://…`` (TLS), also with ``+sentinel`` or ``+cluster``; empty: this is the only
    server. It needs PostgreSQL."""
    prefix: BusPrefix = "chatserver"
    """What all names in Redis begin with: two clusters on one Redis need different ones."""


class Permissions(_Section, frozen=True, kw_only=True):
    """Permissions a role gets on top of its own; each role has those of the role before, too."""

    guest: tuple[NonEmpty, ...] = ()
    member: tuple[NonEmpty, ...] = ()
    moderator: tuple[NonEmpty, ...] = ()
    admin: tuple[NonEmpty, ...] = ()


class JwtIssuer(_Section, frozen=True, kw_only=True):
    """Another site whose users come in with its JSON Web Tokens."""

    issuer: NonEmpty
    """What its tokens say as ``iss``."""
    audience: NonEmpty
    """What they have to say as ``aud``."""
    keys: Path
    """PEM file with its public key, or JSON file with its key or set of keys (JWK), relative to the settings file."""
    name_claim: NonEmpty = "preferred_username"
    """The claim that says what a new user is called."""


class RoleConfig(_Section, frozen=True, kw_only=True):
    """A further role; under the name of one that exists, a change of that."""

    inherits: Literal["guest", "member", "moderator"] | None = None
    """The role whose permissions and rank it has; member where it isn't said. Not for roles that are there."""
    grants: tuple[NonEmpty, ...] = ()
    """What it may do besides."""
    denies: tuple[NonEmpty, ...] = ()
    """What it may not do, whatever else allows it."""


class Auth(_Section, frozen=True, kw_only=True):
    """Who may come in, and for how long."""

    guests: bool = True
    """Whether a name is enough to take part."""
    registration: Literal["open", "approval", "invite", "closed"] = "invite"
    """Who may make an account: all, all once an admin agrees, those with an invite, or the admins alone."""
    guest_days: Days = 7
    """How long a guest's identity is kept after the last visit."""
    session_days: Days = 30
    """How long a sign-in lasts after the last visit."""
    session_most_days: Days = 365
    """How long a sign-in lasts at most, however often it is used."""
    sessions_per_user: Sessions = 20
    """How often one account is signed in at once; the sessions unused for the longest time end."""
    deleted_texts: Literal["keep", "blank"] = "keep"
    """What becomes of the texts of an account that its owner deletes."""
    password_memory_mib: Memory = 64
    """The memory that the hash of a password takes, in MiB (Argon2id)."""
    jwt_issuers: tuple[JwtIssuer, ...] = ()
    permissions: Permissions = Permissions()
    roles: Mapping[NonEmpty, RoleConfig] = field(default_factory=dict)
    """By name, in small letters; accounts get one as they get others."""


class Limits(_Section, frozen=True, kw_only=True):
    """What one server, one address and one person may use."""

    connections: Count = 10_000
    """Open WebSockets on this server."""
    connections_per_ip: Count = 200
    """Open WebSockets from one address."""
    requests_per_second_per_ip: Rate = 200
    """Messages, reads and all else that may come from one address in the long run, ten times as much at once; each KiB
    that is sent counts as one more."""
    rooms_per_hour: Count = 30
    """Rooms that one person may make."""
    invitations_per_hour: Count = 120
    """People whom one person may add to rooms."""
    directs_per_hour: Count = 60
    """People with whom one person may begin a direct conversation."""
    registrations_per_hour: Count = 10
    """Accounts that one address may register, at once and in an hour."""
    frame_bytes: FrameBytes = 65_536
    """The largest WebSocket frame a client may send."""
    content_chars: Count = 8_000
    """The longest message."""
    messages_per_second: Rate = 10
    """What one person may send, in the long run."""
    burst: Count = 30
    """What one person may send at once."""
    send_buffer_bytes: BufferBytes = 1_048_576
    """What may wait for a slow reader before the connection is closed (it resumes later)."""
    presence_members: Count = 200
    """Rooms with more connections than this don't announce who comes and goes."""


class RetentionConfig(_Section, frozen=True, kw_only=True):
    """How long messages are kept."""

    keep_days: KeepDays = 0
    """After so many days the texts and files of messages are removed, where a room doesn't say it itself; 0: never."""


class RoomConfig(_Section, frozen=True, kw_only=True):
    """A room that exists from the start. What people change later is not set back."""

    name: str
    """Lower-case letters and digits of any script, ``-`` and ``_``."""
    title: str = ""
    """Shown instead of the name."""
    topic: str = ""
    kind: Literal["public", "private"] = "public"
    history: History = "all"
    """Whether newcomers may read what was said before they joined."""
    unlisted: bool = False
    """Not in any list of rooms; who knows its name can join."""
    read_only: bool = False
    """Only moderators write."""
    slow_mode: SlowMode = 0
    """The least seconds between two messages of a member; 0: none."""
    guests: bool = True
    """Whether guests take part."""
    notify: Literal["all", "mentions", "none"] = "all"
    """What members are notified of unless they choose otherwise."""
    keep_days: KeepDays = 0
    """After so many days messages are blanked; 0: as ``retention.keep_days`` says."""


class Log(_Section, frozen=True, kw_only=True):
    """What the server says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    """``text`` for people, ``json`` (an object a line) for machines."""


class PluginConfig(_Section, frozen=True, kw_only=True):
    """One enabled plugin. In the YAML, ``on_error`` and ``rooms`` stand among the plugin's own settings."""

    settings: Mapping[str, Any] = {}
    """The plugin's own settings, not yet typed: `Source.convert` does it once the plugin's type is known."""
    on_error: Literal["skip", "reject"] | None = None
    """What a crash of the plugin means for what it was asked about; None: what the plugin itself says."""
    rooms: tuple[NonEmpty, ...] | None = None
    """The only rooms the plugin works in; None: all."""


# Moderation sees a message as it was typed, before emoji changes it.
DEFAULT_PLUGINS = (
    "basics",
    "moderation",
    "markdown",
    "emoji",
    "history",
    "search",
    "reactions",
    "pins",
    "threads",
    "polls",
    "links",
    "mentions",
    "receipts",
    "reminders",
    "totp",
    "avatars",
    "files",
)
"""The plugins that run where the settings name none, in the order in which their hooks are called."""


def _default_plugins() -> Mapping[str, PluginConfig]:
    return {name: PluginConfig() for name in DEFAULT_PLUGINS}


class Plugins(_Section, frozen=True, kw_only=True):
    """Which plugins run. The order is the order in which their hooks are called."""

    dirs: tuple[Path, ...] = ()
    """Folders with further plugins, relative to the settings file."""
    private_networks: tuple[str, ...] = ()
    """Networks such as 10.0.0.0/8 in which plugins may ask other servers; without it none in a private network."""
    enabled: Mapping[str, PluginConfig] = field(default_factory=_default_plugins)
    trace: Traces = 0
    """Of so many of the last messages it is kept, in memory, what each plugin did with them."""


class Document(_Section, frozen=True, kw_only=True):
    """All that the YAML can hold."""

    server: Server = Server()
    data_dir: Path = Path("data")
    """Where the database, uploads and secrets live; relative to the settings file."""
    store: StoreConfig = StoreConfig()
    bus: BusConfig = BusConfig()
    auth: Auth = Auth()
    limits: Limits = Limits()
    retention: RetentionConfig = RetentionConfig()
    rooms: tuple[RoomConfig, ...] = (RoomConfig(name="general", title="General"),)
    log: Log = Log()
    plugins: Plugins = Plugins()


class Settings(Document, frozen=True, kw_only=True):
    """All settings, checked, with absolute paths; ``source`` knows where each of them was written."""

    source: Source
    off: tuple[str, ...] = ()
    """Enabled plugins that an admin has switched off in the chat, see `switched_off`."""
