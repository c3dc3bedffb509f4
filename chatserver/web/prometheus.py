"""GET /metrics: the server's counters for Prometheus."""

from __future__ import annotations

import ipaddress

from .endpoint import endpoint
from .handler import Handler, foreign_host


class Scrape(Handler):
    """For programs on this machine, and for those who have the permission ``server.metrics``.

    Prometheus comes by internal names, as probes do. By such a name only a token counts: a page that had its own name
    pointed here has none.
    """

    answers_any_host = True
    reads = False

    @endpoint(media=("text/plain",), anonymous=True)
    async def get(self) -> None:
        """Figures for Prometheus."""
        if not self.is_for_us and self.bearer is None:
            raise foreign_host()
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

        forwarded = {"X-Forwarded-For", "Forwarded"} & set(self.request.headers)
        near = ipaddress.ip_address(self.remote_ip).is_loopback and self.is_for_us
        if forwarded or not near:
            await self.services.access.require(await self.require_user(), "server.metrics")
        text = await self.site.figures.all()
        self.set_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.finish(text)
