"""What the HTTP handlers work with: one object, given to each of them."""

from __future__ import annotations

from ..model.addresses import networks
from ..sessions.context import ConnectionContext
from .assets import Assets
from .figures import Figures
from .security import origins, own_names


class Site:
    """The server as HTTP shows it. ``proxies`` are believed what they say of a client's address, pages of
    ``origins`` may connect, and where ``secure`` the browser talks TLS."""

    def __init__(self, context: ConnectionContext, version: str, assets: Assets, figures: Figures) -> None:
        self.context = context
        self.services = context.services
        self.figures = figures
        self.version = version
        self.assets = assets
        server = self.services.settings.server
        self.proxies = networks(server.trusted_proxies)
        self.origins = origins(server.public_url, server.allowed_origins)
        self.hosts = own_names(server.public_url, server.host)
        self.secure = server.tls is not None or server.public_url.startswith("https:")
