"""``GET /plugins/tally/results/ID``."""

from __future__ import annotations

from chatserver import Handler


class ResultsHandler(Handler):
    async def get(self, poll_id: str) -> None:
        poll = await self.plugin.readable(poll_id, await self.require_user())
        counts = await self.plugin.table.counts(poll)
        self.reply({"poll": poll.id, "counts": counts, "closed": bool(poll.closed)})
