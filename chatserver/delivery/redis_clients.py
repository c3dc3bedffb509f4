"""The clients of Redis by what a ``bus.url`` names: one server, those that Sentinels watch, or a Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..model.errors import ConfigError

try:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import ClusterNode, RedisCluster
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
    from redis.backoff import NoBackoff
    from redis.exceptions import (
        AuthenticationError,
        BusyLoadingError,
        NoPermissionError,
        OutOfMemoryError,
        ReadOnlyError,
        RedisError,
        ResponseError,
    )
except ImportError as error:
    raise ConfigError(
        f"Redis needs its client: pip install 'chatserver[redis]' ({error})", path="bus.url"
    ) from error

FAILURES = (RedisError, OSError, asyncio.TimeoutError)
"""What a client raises while Redis can't do what it is asked for."""
NO_MEMORY = OutOfMemoryError
NOT_LET_IN = (AuthenticationError, NoPermissionError)
"""What will be said again: a wrong password, or a user who may not do this."""
REDIS_PORT = 6379
SENTINEL_PORT = 26379
SECONDS = 5.0
"""For Redis to take a connection, and to answer."""


def make_client(url: str) -> Any:
    """The client for a ``bus.url``. Raises ConfigError."""
    options: dict[str, Any] = {
        "socket_connect_timeout": SECONDS,
        "socket_timeout": SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    kind, plain = _kind(url)
    try:
        if kind == "sentinel":
            return _by_sentinels(plain, options)
        if kind == "cluster":
            return _cluster(plain, options)
        return Redis.from_url(url, **options)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"is no address of Redis: {error}", path="bus.url") from error


def _kind(url: str) -> tuple[str, str]:
    """``sentinel``, ``cluster`` or nothing, and the address as of a single one: ``rediss+sentinel://`` is TLS."""
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    return kind, f"{base}://{rest}"


def _by_sentinels(url: str, options: Mapping[str, Any]) -> Any:
    parts = urlsplit(url)
    service, _, number = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError(
            "after the Sentinels comes what they call it, as in redis+sentinel://host:26379/mymaster"
        )
    hosts = [_host(each, SENTINEL_PORT) for each in parts.netloc.rpartition("@")[2].split(",")]
    # All else that an address can say is what the library makes of one.
    single = parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{hosts[0][0]}", path=f"/{number}")
    query = dict(parse_qsl(parts.query))
    password = query.pop("sentinel_password", None)
    wanted = dict(parse_url(single._replace(query="&".join(f"{k}={v}" for k, v in query.items())).geturl()))
    for each in ("host", "port", "connection_class"):
        wanted.pop(each, None)
    tls = {name: value for name, value in wanted.items() if name.startswith("ssl_")}
    if parts.scheme == "rediss":
        tls["ssl"] = True
    asked = {**options, **tls, **({"password": unquote(password)} if password else {})}
    sentinel = Sentinel(hosts, sentinel_kwargs=asked, **options)  # type: ignore[no-untyped-call]
    return sentinel.master_for(service, **{**wanted, **tls, **options})


def _cluster(url: str, options: Mapping[str, Any]) -> Any:
    parts = urlsplit(url)
    if parts.path.strip("/") not in ("", "0"):
        raise ValueError("a Cluster has no numbered databases")
    hosts = [_host(each, REDIS_PORT) for each in parts.netloc.rpartition("@")[2].split(",")]
    user = parts.netloc.rpartition("@")[0]
    wanted = dict(parse_url(parts._replace(netloc=f"{user}@{hosts[0][0]}", path="").geturl()))
    for each in ("host", "port", "connection_class"):
        wanted.pop(each, None)
    nodes = [ClusterNode(*host) for host in hosts]
    return RedisCluster(startup_nodes=nodes, ssl=parts.scheme == "rediss", **{**wanted, **options})


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit("//" + text)
    if not parts.hostname:
        raise ValueError(f"{text!r} names no host")
    return parts.hostname, parts.port or port


async def close(client: Any) -> None:
    """Close its connections, those to Sentinels too. Raises one of `FAILURES`."""
    pool = getattr(client, "connection_pool", None)
    if isinstance(pool, SentinelConnectionPool):
        for each in pool.sentinel_manager.sentinels:
            await each.aclose()
    await client.aclose()


async def publish_all(client: Any, packets: Mapping[str, bytes]) -> None:
    """Publish to these channels. Raises one of `FAILURES`."""
    if isinstance(client, RedisCluster):
        # Each channel has a server of its own there.
        await asyncio.gather(*(client.publish(channel, data) for channel, data in packets.items()))
        return
    pipeline = client.pipeline(transaction=False)
    for channel, data in packets.items():
        pipeline.publish(channel, data)
    await pipeline.execute()


def why(name: str, error: Exception) -> str:
    """What is wrong with the Redis called ``name``, for an admin."""
    match error:
        case AuthenticationError() | NoPermissionError():
            return f"{name} refuses the user or the password: {error}"
        case OutOfMemoryError():
            return f"{name} is out of memory: {error}"
        case ReadOnlyError():
            return f"{name} is a read-only replica: name the one that it copies"
        case ResponseError() if not isinstance(error, BusyLoadingError):
            return f"{name} refuses: {error}"
    return f"{name} can't be reached: {error}"


def without_password(url: str) -> str:
    """An address of Redis as it may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
