"""The listening socket: HTTP with limits on connections, sizes and times."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections import Counter

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.web import Application

from ..model.addresses import is_in, one_client
from ..model.errors import ConfigError
from .certificate import Certificate
from .draining import Draining
from .site import Site

log = logging.getLogger(__name__)

BACKLOG = 4096
"""How many may wait to be accepted, or as many as the kernel allows: all who come back after a restart. Those beyond
it would try again after seconds, or be reset."""
HEADER_BYTES = 16 * 1024
BODY_BYTES = 1024 * 1024
"""The largest body, but for handlers that read it as it comes and have a limit of their own."""


class Listener(HTTPServer):
    """Refuses connections beyond the limits of the settings, in all and from one address, before a byte is read.

    Addresses of proxies stand for many clients and are counted by the handlers instead.
    """

    def initialize(self, application: Application, site: Site) -> None:  # type: ignore[override]
        services = site.services
        limits, timeouts, tls = services.settings.limits, services.timeouts, services.settings.server.tls
        self.certificate = Certificate(tls) if tls is not None else None
        super().initialize(
            application,
            no_keep_alive=False,
            max_header_size=HEADER_BYTES,
            max_body_size=BODY_BYTES,
            max_buffer_size=BODY_BYTES + HEADER_BYTES,
            idle_connection_timeout=timeouts.http_idle,
            body_timeout=timeouts.http_body,
            ssl_options=self.certificate.context if self.certificate is not None else None,
        )
        spare = services.sizes.spare_connections
        self._most = limits.connections + spare
        self._most_per_ip = limits.connections_per_ip + spare
        self._proxies = site.proxies
        self._open: dict[IOStream, str] = {}
        self._by_ip: Counter[str] = Counter()

    def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        ip = one_client(str(address[0]))
        many = self._by_ip[ip] >= self._most_per_ip and not is_in(str(address[0]), self._proxies)
        if many or len(self._open) >= self._most:
            stream.close()
            return
        self._open[stream] = ip
        self._by_ip[ip] += 1
        super().handle_stream(stream, address)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        begin = super().start_request
        return Draining(request_conn, lambda connection: begin(server_conn, connection))

    def stop(self) -> None:
        """Take no new connections, and close each open one after the next answer."""
        super().stop()
        self.conn_params.no_keep_alive = True

    async def close(self) -> None:
        """Stop, and close what is open."""
        self.stop()
        await self.close_all_connections()

    async def close_all_connections(self) -> None:
        # All of them first: a handler that won't end must not keep the others open.
        for stream in tuple(self._open):
            stream.close()
        await super().close_all_connections()

    def on_close(self, server_conn: object) -> None:
        # Called too when a connection becomes a WebSocket; those are counted for themselves.
        super().on_close(server_conn)
        ip = self._open.pop(server_conn.stream, None)  # type: ignore[attr-defined]
        if ip is not None:
            self._by_ip[ip] -= 1
            if not self._by_ip[ip]:
                del self._by_ip[ip]


def listening_sockets(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Sockets that listen on ``host``: an address, or a name with all of its addresses. ``::`` is all addresses of
    both families, IPv4 alone where the kernel has no IPv6. With ``shared`` others of the same user may listen there,
    too (SO_REUSEPORT), and the kernel spreads the connections. Raises ConfigError.
    """
    # A socket for each family: over a common one IPv4 clients would come as ::ffff:192.0.2.1.
    everywhere = _is_any_ipv6(host)
    try:
        sockets = bind_sockets(port, None if everywhere else host, backlog=BACKLOG, reuse_port=shared)
    except (OSError, ValueError) as error:
        path = "server.port" if getattr(error, "errno", None) in _PORT_ERRORS else "server.host"
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"can't listen on {host}, port {port}: {reason}", path=path) from error
    families = {each.family for each in sockets}
    if not families:
        raise ConfigError(f"can't listen on {host}: this machine has no IPv6", path="server.host")
    if everywhere and socket.AF_INET6 not in families:
        log.warning("this machine has no IPv6: listening on IPv4 only")
    return sockets


_PORT_ERRORS = (errno.EADDRINUSE, errno.EACCES)


def _is_any_ipv6(host: str) -> bool:
    try:
        return ipaddress.IPv6Address(host).is_unspecified
    except ValueError:
        return False
