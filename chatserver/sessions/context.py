"""What all connections work with, whatever their transport: built once, from the services below."""

from __future__ import annotations

from ..chat.services import Services
from .client_updates import ClientUpdates
from .hello import HelloHandler
from .keepalive import Keepalive
from .plugin_requests import PluginRequests
from .requests import RequestHandler
from .server_info import ClientFiles, ServerInfo


class ConnectionContext:
    """The handlers of hello and of requests, the open connections, and what the server says about itself."""

    def __init__(self, services: Services, version: str, client: ClientFiles) -> None:
        limits = services.settings.limits
        self.services = services
        self.metrics = services.metrics
        self.hub = services.hub
        self.plugins = services.host
        self.send_buffer = limits.send_buffer_bytes
        """What may wait for a slow reader, in bytes."""
        self.keepalive = Keepalive(limits.connections, limits.connections_per_ip, services.timeouts)
        self.info = ServerInfo(services, self.keepalive, version, client)
        self.tell_clients = ClientUpdates(services.sessions, self.info).send
        self.hello_handler = HelloHandler(services, self.info.facts)
        plugin_requests = PluginRequests(services.host)
        self.request_handler = RequestHandler(services, plugin_requests, self.info.stats.get)
