"""Times and sizes that no admin has to set; tests hand in smaller ones."""

from __future__ import annotations

import msgspec


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long the server waits for what may never come, in seconds."""

    hello: float = 10.0
    """A new connection for its hello."""
    heartbeat: int = 25
    """Between two signs of life to each connection."""
    silence: float = 60.0
    """Without a sign from the client before a connection counts as lost."""
    presence_grace: float = 5.0
    """After a user's last connection before the others are told that they left."""
    name_grace: float = 30.0
    """After a start, for guests to come back before their names are free."""
    room_idle: float = 120.0
    """Without use or subscribers before a room is unloaded."""
    http_idle: float = 20.0
    """For the head of an HTTP request, on a new connection or between two."""
    write: float = 60.0
    """For the client to take what was sent to it: an HTTP answer, or replies on a WebSocket."""
    stream_cut: float = 20.0
    """For the client of an HTTP stream to come back, after its connection was cut or it got an answer."""
    poll_pause: float = 0.2
    """Between two answers to a client that polls: in a busy room one carries what comes meanwhile."""
    http_body: float = 60.0
    """For the body of an HTTP request."""
    drain: float = 10.0
    """A stop, for what was accepted to be stored."""
    stop_http: float = 1.0
    """For HTTP connections, which are closed by then: only a handler of a plugin can take time."""
    stop_hooks: float = 3.0
    """For the calls of ``after_*`` hooks that wait."""
    stop_plugins: float = 10.0
    """For the plugins to end, all of them."""
    stop_plugin_step: float = 0.5
    """For each step of a plugin's end, whatever others took."""
    node_beat: float = 3.0
    """Between two signs of life to the other servers, and two comparisons with the database."""
    node_silence: float = 12.0
    """Without a sign of another server before its users count as gone."""
    hooks: float = 5.0
    """For an async hook; for filters, all of them."""
    scans: float = 600.0
    """For the hooks that look into a file which has come."""
    cancelled: float = 0.5
    """For what is cancelled because its time is over, before it is left alone."""
    erase: float = 600.0
    """For what one plugin does to erase a user."""
    calls: float = 10.0
    """For a plugin's command, request or route."""
    long_job: float = 300.0
    """For a job that was planned, before the log tells that it hasn't ended."""
    migrations: float = 600.0
    """For each plugin's migrations."""
    startup: float = 60.0
    """For each plugin's ``startup``."""
    reload: float = 15.0
    """For calls that began with plugins that a reload replaced, before these are ended."""
    stop_store: float = 3.0
    """For the storage to close, once nothing new comes: only a query of a plugin can take time."""
    stop: float = 30.0
    """A stop in all; then the process ends as it is."""


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is answered, held or allowed at once."""

    members_page: int = 100
    """Members in one answer."""
    resume_room: int = 500
    """Missed events that are sent for one room; with more the client pages with ``sync``."""
    resume_all: int = 5000
    """Missed events that are sent in all."""
    resume_page: int = 200
    """Events read at once while a client catches up."""
    plugin_calls: int = 10_000
    """Calls of ``after_*`` hooks that wait for one plugin."""
    spare_connections: int = 64
    """TCP connections beyond the limit of WebSockets, for HTTP requests that are soon over."""
