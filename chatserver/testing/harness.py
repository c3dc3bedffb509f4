"""A server in the test's own loop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from ..chat.services import Services
from ..config import load
from ..model.tuning import Sizes, Timeouts
from ..model.values import User
from ..plugins.failures import Failure
from ..server.server import ChatServer
from .client import PATIENCE, Client, Heard
from .http_client import HttpClient, Over
from .settings import Plugins, TestStore, write_settings

PASSWORD = "correct horse"


class Harness:
    """``async with Harness(folder, plugins=["emoji"]) as server``.

    ``plugins`` are names, or a mapping of names to settings, in order; ``settings`` goes over the defaults, as in the
    YAML. The log is in memory unless ``settings`` say otherwise. A plugin that fails fails the test at the end,
    unless ``strict`` is False or the test takes the failures with `failures`. ``accounts`` are names with their roles,
    there from the start; others are guests. ``timeouts`` and ``sizes`` go over those in `chatserver.model.tuning`;
    ``clock`` gives the time of day. Clients talk ``over`` a WebSocket, Server-Sent Events or long polling, and wait for
    an event for ``patience`` seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Plugins = (),
        settings: Mapping[str, Any] | None = None,
        dirs: Sequence[Path] = (),
        accounts: Mapping[str, str] | None = None,
        strict: bool = True,
        timeouts: Mapping[str, Any] | None = None,
        sizes: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
        over: Over = "websocket",
        patience: float = PATIENCE,
    ) -> None:
        self._store = TestStore("memory:")
        self._write_settings = partial(
            write_settings, folder, plugins=plugins, settings=settings, dirs=dirs, store=self._store
        )
        self._strict = strict
        self._roles = dict(accounts or {})
        self._accounts: dict[str, User] = {}
        # A user who leaves has left at once, and what is polled comes at once, unless the test says otherwise.
        self._timeouts = Timeouts(**{"presence_grace": 0.0, "poll_pause": 0.0, **(timeouts or {})})
        self._sizes = Sizes(**(sizes or {}))
        self._clock = clock
        self._over = over
        self._patience = patience
        self._clients: list[Client] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._store.drop()
        if error is None and self._strict:
            failed = self.failures()
            assert not failed, f"plugins failed: {failed}"

    async def start(self) -> None:
        """Start the server; called by ``async with``."""
        config = self._write_settings()
        self.server = ChatServer(
            load(config, {}),
            strict=self._strict,
            timeouts=self._timeouts,
            sizes=self._sizes,
            clock=self._clock,
            read_settings=partial(load, config, {}),
        )
        await self.server.start()
        for name, role in self._roles.items():
            if name not in self._accounts:
                self._accounts[name] = await self.services.accounts.add(name, PASSWORD, role)

    def plugin(self, name: str) -> Any:
        """The running instance of a plugin. Raises AssertionError if it is not enabled."""
        instance = self.server.host.current.peer(name)
        assert instance is not None, f"there is no plugin {name!r} on this server"
        return instance

    @property
    def services(self) -> Services:
        """What the server is made of."""
        return self.server.services

    async def stop(self) -> None:
        """Close the clients and stop the server."""
        for client in self._clients:
            await client.leave()
        self._clients.clear()
        await self.server.stop()

    async def restart(self) -> None:
        """Stop, and start again on the same data (which has to be in a file for that)."""
        await self.stop()
        await self.start()

    async def reload(self, plugins: Plugins, settings: Mapping[str, Any] | None = None) -> None:
        """Put other plugins in place while it runs, as SIGHUP does. Raises ConfigError or PluginError."""
        write = self._write_settings if settings is None else partial(self._write_settings, settings=settings)
        await self.server.reload(load(write(plugins=plugins), {}))

    def failures(self) -> list[Failure]:
        """Return the plugins' failures so far, and clear them: they don't fail the test at the end."""
        found = list(self.server.host.failures)
        self.server.host.failures.clear()
        return found

    # People

    async def client(self, name: str | None = None, *, path: str = "/ws", **hello: Any) -> Client:
        """A client that has said hello: with the account called ``name`` if it is one of ``accounts``, else as a guest
        of this name; or with a ``token``."""
        if name in self._accounts:
            hello.setdefault(
                "token", await self.services.accounts.tokens.issue(self._accounts[name], "session")
            )
        elif name is not None:
            hello["name"] = name
        client = await self.connect(path)
        await client.hello(**hello)
        return client

    async def connect(
        self, path: str = "/ws", *, origin: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Client:
        """A connection on which nothing has been said yet. ``origin`` makes it a browser's."""
        sent = {**(headers or {}), **({"Origin": origin} if origin is not None else {})}
        client: Client
        if self._over == "websocket":
            url = f"ws://127.0.0.1:{self.server.port}{path}"
            client = Client(url, headers=sent, patience=self._patience)
        else:
            client = HttpClient(self.url, self._over, headers=sent, patience=self._patience)
        await client.connect()
        self._clients.append(client)
        return client

    async def join(self, room: str, *names: str) -> list[Client]:
        """Clients of these names, all in the room, who have seen each other come in."""
        clients = [await self.client(name) for name in names]
        for client in clients:
            await client.join(room)
        for client in clients:
            await client.heard("joined")
        return clients

    async def account(
        self, name: str, role: str = "member", password: str = PASSWORD, **hello: Any
    ) -> Client:
        """A client of a new account, signed in."""
        user = await self.services.accounts.add(name, password, role)
        return await self.client(token=await self.services.accounts.tokens.issue(user, "session"), **hello)

    # HTTP

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def http(
        self,
        method: str,
        path: str,
        json_body: Any = None,
        *,
        token: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        """A request; errors are answers too. ``token`` goes into the Authorization header."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if json_body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(json_body).encode()
        return await AsyncHTTPClient().fetch(
            self.url + path,
            method=method,
            headers=sent,
            body=body,
            raise_error=False,
            allow_nonstandard_methods=True,
            follow_redirects=False,
        )

    async def api(
        self, method: str, path: str, json_body: Any = None, *, token: str | None = None, **options: Any
    ) -> tuple[int, Heard]:
        """A request to ``/api/v1/``; its status and JSON."""
        answer = await self.http(method, f"/api/v1/{path}", json_body, token=token, **options)
        return answer.code, Heard(json.loads(answer.body or b"{}"))
