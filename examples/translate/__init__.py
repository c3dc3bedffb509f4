"""Translations below messages, by a service like LibreTranslate. It may be slow, or away: no message waits for it."""

import asyncio

from chatserver import Draft, FetchError, Message, Plugin, Reject, hookimpl, settings

AT_ONCE = 4
WAITING = 100
"""With more messages that wait, further ones are left out: a translation that comes late is no use."""


class Translate(Plugin):
    @settings
    class Settings:
        url: str  # such as https://translate.example.org/translate
        key: str = ""
        language: str = "en"
        pause: float = 60  # seconds without a question, after the service was away

        def __post_init__(self):
            if not self.url.startswith(("http://", "https://")):
                raise ValueError("url: it begins with http:// or https://")
            if not (self.language.isascii() and self.language.replace("-", "").isalpha()):
                raise ValueError(f"language: {self.language!r:.40} is none, as en and pt-BR are")
            if not self.pause >= 0:
                raise ValueError("pause: 0 seconds at least")

    @hookimpl
    def register_events(self):
        return ["translated"]

    @hookimpl
    def client_settings(self):
        return {"language": self.settings.language}

    @hookimpl
    def startup(self):
        self.waiting = asyncio.Queue(WAITING)
        self.away = False
        self.ask_from = 0.0
        for _ in range(AT_ONCE):
            self.spawn(self.work())

    @hookimpl
    def before_edit(self, message: Message, draft: Draft) -> Draft | None:
        # The translation of the text of before.
        return draft.with_extra(None) if self.name in message.extras else None

    @hookimpl
    async def after_post(self, message: Message):
        await self.want(message)

    @hookimpl
    async def after_edit(self, message: Message):
        await self.want(message)

    async def want(self, message: Message):
        # What is said among few stays here.
        if (
            message.kind != "text"
            or message.user.bot
            or (await self.chat.room(message.room)).kind != "public"
        ):
            return
        if self.now() >= self.ask_from and not self.waiting.full():
            self.waiting.put_nowait(message)

    async def work(self):
        while True:
            message = await self.waiting.get()
            try:
                text = await self.translated(message.content)
            except (FetchError, ValueError, KeyError, TypeError) as error:
                await self.is_away(message, error)
            else:
                self.away = False
                if text is not None:
                    await self.show(message, text)

    async def translated(self, text: str) -> str | None:
        """The translation; None for what is in the language. Raises FetchError, and others for a wrong answer."""
        question = {"q": text, "source": "auto", "target": self.settings.language, "format": "text"}
        if self.settings.key:
            question["api_key"] = self.settings.key
        answer = await self.http.post(self.settings.url, json=question, timeout=30)
        if not answer.ok:
            raise FetchError(f"it answers {answer.status}")
        translated = answer.json()["translatedText"]
        if not isinstance(translated, str):
            raise TypeError("translatedText is no text")
        return None if translated.strip() == text.strip() else translated[:4000]

    async def show(self, message: Message, text: str):
        def below(tx):
            now = tx.message(message.id)
            if now is None or now.content != message.content:
                raise Reject("It was edited or deleted meanwhile.")
            tx.annotate(message.id, {"text": text})

        try:
            await self.chat.append(message.room, "translated", {}, also=below)
        except Reject as refusal:
            self.log.debug("%s has no translation: %s", message.id, refusal.message)

    async def is_away(self, message: Message, error: Exception):
        """Ask no more for a while. It is told once, in the room that misses it."""
        self.ask_from = self.now() + self.settings.pause
        if self.away:
            return
        self.away = True
        self.log.warning("%s can't be asked: %s", self.settings.url, error)
        try:
            await self.chat.post(message.room, "There are no translations for the moment.")
        except Reject as refusal:
            self.log.debug("%s isn't told: %s", message.room, refusal.message)
