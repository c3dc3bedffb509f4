"""What happens to a text between a request and the log: limits, plugins, HTML."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable

import msgspec
import nh3

from ..model.errors import Reject
from ..model.names import content as clean
from ..model.values import Draft, Message, User
from ..plugins.host import PluginHost

_ATTRIBUTES = {
    "a": {"href", "title", "target"},
    "span": {"class", "title"},
    "code": {"class"},
    "pre": {"class"},
    "div": {"class"},
    "img": {"src", "alt", "title", "class", "width", "height"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
    "math": {"display"},
    "mo": {"stretchy", "fence", "form", "separator", "movablelimits", "largeop", "lspace", "rspace"},
    "mi": {"mathvariant"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mfrac": {"linethickness"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mtable": {"columnalign"},
    "mtd": {"columnalign"},
}
# MathML without what links, acts, or holds HTML.
_MATH = "math mrow mi mn mo mtext mspace msup msub msubsup mfrac msqrt mroot mstyle mover munder munderover"
_TAGS = nh3.ALLOWED_TAGS | set(f"{_MATH} mtable mtr mtd mphantom mpadded mmultiscripts mprescripts".split())


class DraftPipeline:
    """Turns what a user wrote into what is stored. ``content_chars`` is the longest text allowed."""

    def __init__(self, plugins: PluginHost, content_chars: int) -> None:
        self._plugins = plugins
        self._content_chars = content_chars

    def check(self, text: str, *, may_be_empty: bool = False) -> str:
        """The text as it may be stored. Raises `Reject` ``invalid`` or ``too_large``, field ``content``."""
        if len(text) > self._content_chars:
            raise Reject(
                f"A message has {self._content_chars} characters at most; this one has {len(text)}.",
                "too_large",
                field="content",
            )
        if may_be_empty and not text:
            return text
        return clean(text)

    def post(self, draft: Draft) -> Draft | Awaitable[Draft]:
        """Through ``before_post`` and ``render``. Plain as long as no hook on the way is async. Raises `Reject`."""
        hooks = self._plugins.current.hooks
        if hooks.tracer is not None:
            draft = hooks.tracer.begin(draft)
        if not hooks.has("before_post"):
            return self._render(draft)
        return _then(hooks.filter("before_post", draft), partial(self._accept, draft.content))

    async def rendered(self, draft: Draft) -> str:
        """The HTML of a draft through ``render`` alone, for a look at what is not posted yet."""
        made = self._render(draft)
        shown = made if isinstance(made, Draft) else await made
        return escaped(shown.content) if shown.html is None else shown.html

    def edit(self, message: Message, draft: Draft) -> Draft | Awaitable[Draft]:
        """The same for a new text, through ``before_edit``."""
        hooks = self._plugins.current.hooks
        if not hooks.has("before_edit"):
            return self._render(draft)
        return _then(hooks.filter("before_edit", message, draft), partial(self._accept, draft.content))

    async def delete(self, message: Message, user: User) -> None:
        """Ask ``before_delete``. Raises `Reject`."""
        hooks = self._plugins.current.hooks
        if hooks.has("before_delete"):
            allowed = hooks.filter("before_delete", message, user)
            if isawaitable(allowed):
                await allowed

    def _accept(self, written: str, draft: Draft) -> Draft | Awaitable[Draft]:
        """Check a text that plugins changed by the same rules as the original, then render. Raises `Reject`."""
        if draft.content is not written:
            self.check(draft.content, may_be_empty=bool(draft.attachments))
        return self._render(draft)

    def _render(self, draft: Draft) -> Draft | Awaitable[Draft]:
        if len(draft.files) != len(draft.attachments):
            raise Reject("Files can't be attached here.", "invalid", field="files")
        hooks = self._plugins.current.hooks
        if not hooks.has("render"):
            return draft
        plain = escaped(draft.content)
        return _then(
            hooks.filter("render", msgspec.structs.replace(draft, html=plain)), partial(_sanitised, plain)
        )


Step = Callable[[Draft], Draft | Awaitable[Draft]]


def _then(draft: Draft | Awaitable[Draft], step: Step) -> Draft | Awaitable[Draft]:
    """The next step: at once, or, after a hook that is async, once there is a draft."""
    return step(draft) if isinstance(draft, Draft) else _later(draft, step)


async def _later(waiting: Awaitable[Draft], step: Step) -> Draft:
    draft = step(await waiting)
    return draft if isinstance(draft, Draft) else await draft


def escaped(text: str) -> str:
    """The HTML of a text that no plugin renders."""
    return html.escape(text, quote=False)


def _sanitised(plain: str, draft: Draft) -> Draft:
    """The draft with only the allowed HTML; escaped text is left as it is."""
    if draft.html is None or draft.html == plain:
        return draft
    safe = nh3.clean(
        draft.html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return draft.replace(html=safe)
