"""Where plugins may connect to: nowhere in a private network, unless the settings name it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from tornado.netutil import Resolver

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


class PublicResolver(Resolver):
    """Gives only addresses that may be connected to. It is these that the client connects to: it asks no second time,
    as for a name that has another address by then."""

    def initialize(self, allowed: Sequence[Network], inner: Resolver) -> None:
        self._allowed = allowed
        self._inner = inner

    async def resolve(self, host: str, port: int, family: Any = 0) -> list[tuple[int, Any]]:
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if self._may(ip_address(str(each[1][0]).partition("%")[0]))]
        if not public:
            raise OSError(
                "it is in a private network, which the settings don't allow (plugins.private_networks)"
            )
        return public

    def _may(self, address: Address) -> bool:
        return any(address in network for network in self._allowed) or all(map(_is_public, _meant(address)))


def _meant(address: Address) -> list[Address]:
    """An address, and those that are wrapped into it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    wrapped: list[Address] = [address]
    if address.sixtofour is not None:
        wrapped.append(address.sixtofour)
    if address.teredo is not None:
        wrapped += address.teredo
    return wrapped


def _is_public(address: Address) -> bool:
    local = isinstance(address, IPv6Address) and address.is_site_local
    return (
        address.is_global
        and not local
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    )


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks such as ``10.0.0.0/8``. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)
