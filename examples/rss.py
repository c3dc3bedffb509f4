"""News of feeds (RSS or Atom): each entry is posted once, into the room that the settings name."""

from dataclasses import field
from xml.etree import ElementTree

from chatserver import Also, FetchError, Plugin, hookimpl, settings

SEEN = "INSERT INTO rss_seen (feed, entry) VALUES (:feed, :entry)"
ENTRIES = (".//item", "{http://www.w3.org/2005/Atom}entry", ".//{http://purl.org/rss/1.0/}item")


class Rss(Plugin):
    migrations = (
        "CREATE TABLE rss_seen (feed VARCHAR(500) NOT NULL, entry VARCHAR(500) NOT NULL, PRIMARY KEY (feed, entry))",
    )

    @settings
    class Settings:
        feeds: dict[str, str] = field(default_factory=dict)  # address: room
        minutes: float = 15
        most: int = 5  # of a feed at once: what is older is left out

        def __post_init__(self):
            for url in self.feeds:
                if not url.startswith(("http://", "https://")) or len(url) > 500:
                    raise ValueError(f"feeds: {url!r:.100} is no address: it begins with http:// or https://")
            if not self.minutes >= 1:
                raise ValueError("minutes: 1 at least")
            if not 1 <= self.most <= 50:
                raise ValueError("most: from 1 to 50")

    @hookimpl
    async def startup(self):
        self.failing = set()
        await self.bot(display_name="News")
        self.every(self.settings.minutes * 60, self.poll, first=0)

    async def poll(self):
        for feed, room in self.settings.feeds.items():
            try:
                await self.read(feed, room)
            except (FetchError, ElementTree.ParseError, ValueError) as error:
                # Once, as it may be away for days.
                if feed not in self.failing:
                    self.log.warning("the feed %s can't be read: %s", feed, error)
                self.failing.add(feed)
            else:
                self.failing.discard(feed)

    async def read(self, feed: str, room: str):
        etag = self.keep.get(feed)
        answer = await self.http.get(feed, headers={"If-None-Match": etag} if etag else None)
        if answer.status == 304:
            return
        if not answer.ok:
            raise FetchError(f"it answers {answer.status}")
        seen = {
            row["entry"]
            for row in await self.db.query("SELECT entry FROM rss_seen WHERE feed = :feed", feed=feed)
        }
        # Feeds begin with the newest.
        new = [entry for entry in reversed(entries(answer.body).items()) if entry[0] not in seen]
        older = [{"feed": feed, "entry": id} for id, _ in new[: -self.settings.most]]
        if older:
            await self.db.transaction(lambda tx: tx.executemany(SEEN, older))
        for id, text in new[-self.settings.most :]:
            # The entry is seen if, and only if, it is posted, whenever the server dies.
            await self.chat.post(room, text, also=[Also(SEEN, {"feed": feed, "entry": id})])
        self.keep[feed] = answer.headers.get("etag", "")


def entries(xml: bytes) -> dict[str, str]:
    """The text of each entry, by its id. Raises ParseError, and ValueError for what is no feed."""
    root = ElementTree.fromstring(xml)
    if root.tag.rpartition("}")[2].lower() not in ("rss", "feed", "rdf"):
        raise ValueError(f"<{root.tag}> is no feed")
    found: dict[str, str] = {}
    for element in (each for path in ENTRIES for each in root.iterfind(path)):
        parts = {}
        for part in element:
            name = part.tag.rpartition("}")[2]
            if name != "link" or part.get("rel", "alternate") == "alternate":
                parts.setdefault(name, " ".join((part.text or part.get("href") or "").split()))
        link, title = parts.get("link", ""), parts.get("title", "")
        id = parts.get("guid") or parts.get("id") or link or title
        if id:
            found.setdefault(id[:500], f"{title[:300]}\n{link[:1000]}".strip() or id[:500])
    return found
