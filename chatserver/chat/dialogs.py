"""Calls of plugins that ask their user something on the way: answered in steps, each of them short."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Literal, Protocol, TypeVar

from ..delivery.session import Session
from ..model.errors import Reject
from ..model.values import User
from ..plugins.arguments import Finder
from ..plugins.failures import contained
from ..plugins.forms import Form, FormClosed
from ..plugins.host import PluginHost
from ..protocol import events as wire

T = TypeVar("T")

MOST_OPEN = 5
"""So many forms of a user may be open; the oldest is cancelled for one more."""


class Caller(Finder, Protocol):
    """The call that asks (`chatserver.chat.calls.Call`)."""

    async def require(self, user: User) -> None:
        """Raises `Reject` unless ``user``, as they are by now, may make this call. From then on it is theirs."""


class Dialog:
    """One call of a plugin's command or action: what it asks, and what it is answered.

    Each step, from one question to the next or to the end, is a call of its own for the plugin's deadline.
    """

    def __init__(
        self,
        dialogs: Dialogs,
        call: tuple[str, str],
        instance: object,
        caller: Caller,
        room: str | None,
        session: Session | None,
    ) -> None:
        self.plugin, self.what = call
        self.instance = instance
        self.room = room
        self.caller = caller
        self.session = session
        self.form: Form[Any] | None = None
        """What it waits for."""
        self._dialogs = dialogs
        self._task: asyncio.Task[Any] | None = None
        self._asked: asyncio.Future[None] | None = None
        self._answer: asyncio.Future[Any] | None = None

    async def run(self, work: Awaitable[T]) -> T | None:
        """The first step of ``work``: what it returns, or None once it has asked something."""
        self._asked = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(contained(work))
        self._task.add_done_callback(_look)
        return await self.step()  # type: ignore[no-any-return]  # what the task returns

    async def step(self) -> Any:
        """Wait until the call ends or asks. What it raises is raised here; a form that was closed ends it quietly."""
        assert self._task is not None
        assert self._asked is not None
        try:
            await asyncio.wait([self._task, self._asked], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            try:
                # It ends with the call, so that one that ignores this is known to go on.
                await asyncio.wait([self._task])
            except asyncio.CancelledError:
                self._task.cancel()
                raise
            raise
        if not self._task.done():
            return None
        try:
            return self._task.result()
        except FormClosed:
            return None

    async def ask(self, form: Form[T], refused: str) -> T:
        """Ask, within the call's own task. Raises FormClosed, and `Reject` with ``refused`` where no form can be
        shown."""
        if not isinstance(form, Form):
            raise TypeError(f"what is asked is a Form, not {type(form).__name__}")
        if self.form is not None:
            raise RuntimeError("a form is open already; ask one after the other")
        if self.session is None or not self.session.shows_forms:
            raise Reject(f"{refused} It asks for: {form.usage}.", "invalid", field="form")
        assert self._asked is not None
        self.form = form
        self._answer = asyncio.get_running_loop().create_future()
        id = ""
        try:
            id = self._dialogs.opened(self, form.seconds)
            fields = wire.form(id, self.plugin, form.title, form.submit, form.seconds, form.listing())
            self.session.connection.send(fields)
            self._asked.set_result(None)
            answer: T = await self._answer
        finally:
            self.form = None
            self._dialogs.closed(id)
        return answer

    def answered(self, values: Any) -> None:
        """Go on with the values of the form, or with FormClosed."""
        assert self._answer is not None
        # The next question may come before anything waits for it.
        self._asked = asyncio.get_running_loop().create_future()
        if isinstance(values, FormClosed):
            self._answer.set_exception(values)
        else:
            self._answer.set_result(values)

    def end(self) -> None:
        """End the call where it stands."""
        if self._task is not None:
            self._task.cancel()


class Dialogs:
    """The forms that are open, by their ids."""

    def __init__(self, plugins: PluginHost) -> None:
        self._plugins = plugins
        self._open: dict[str, tuple[Dialog, asyncio.TimerHandle]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def dialog(self, plugin: str, what: str, caller: Caller, room: str | None, session: object) -> Dialog:
        """A call that may ask, made in a room or in none. ``what`` is how its failures are called."""
        own = session if isinstance(session, Session) else None
        return Dialog(self, (plugin, what), self._plugins.current.peer(plugin), caller, room, own)

    def opened(self, dialog: Dialog, seconds: float) -> str:
        """Note that a dialog waits, for so many seconds; the id of its form. Raises `Reject` ``unavailable``."""
        assert dialog.session is not None
        if not self._is_current(dialog):
            raise Reject(f"The plugin {dialog.plugin!r} was replaced meanwhile.", "unavailable")
        user = dialog.session.user.id
        mine = [id for id, (each, _) in self._open.items() if each.session and each.session.user.id == user]
        if len(mine) >= MOST_OPEN:
            self._close(mine[0], "cancelled")
        id = f"form-{secrets.token_hex(8)}"
        late = asyncio.get_running_loop().call_later(seconds, self._close, id, "late")
        self._open[id] = dialog, late
        return id

    @property
    def waiting(self) -> int:
        """How many forms are open."""
        return len(self._open)

    def closed(self, id: str) -> None:
        """A form is open no more."""
        _, late = self._open.pop(id, (None, None))
        if late is not None:
            late.cancel()

    async def answer(
        self, user: User, id: str, values: Mapping[str, Any] | None
    ) -> tuple[str | None, str | None]:
        """Answer a form, or cancel it with None; what its call says in the end, and in which room. Raises `Reject`.

        After ``invalid`` and ``not_found`` of a field the form stays open. It ends for a user who may not make its call
        any more.
        """
        dialog = self._of(user, id)
        if values is None:
            read: Any = FormClosed("cancelled")
        else:
            form = dialog.form
            assert form is not None
            await self._require(user, id, dialog)
            read = await form.read(values, dialog.caller)
            # It may have been closed, or answered, meanwhile.
            dialog = self._of(user, id)
        self.closed(id)
        dialog.answered(read)
        return await self._step(dialog), dialog.room

    def _of(self, user: User, id: str) -> Dialog:
        """The dialog of a form. Raises `Reject` ``not_found``."""
        dialog, _ = self._open.get(id, (None, None))
        if dialog is None or dialog.session is None or dialog.session.user.id != user.id:
            raise _gone()
        return dialog

    async def _require(self, user: User, id: str, dialog: Dialog) -> None:
        """End the dialog, and raise `Reject`, unless the user may still make its call."""
        try:
            await dialog.caller.require(user)
        except Reject:
            # It may have been closed, or answered, meanwhile.
            self._of(user, id)
            self.closed(id)
            dialog.end()
            raise

    def _is_current(self, dialog: Dialog) -> bool:
        """Whether its plugin was not replaced since."""
        return self._plugins.current.peer(dialog.plugin) is dialog.instance

    async def _step(self, dialog: Dialog) -> Any:
        hooks = self._plugins.current.hooks
        return await hooks.guard(dialog.plugin, dialog.what, dialog.step)

    def _close(self, id: str, why: Literal["cancelled", "late"]) -> None:
        """A form that is not answered: its call ends, in the plugin's name."""
        dialog, _ = self._open[id]
        self.closed(id)
        _tell_closed(dialog, id, why)
        dialog.answered(FormClosed(why))
        task = asyncio.get_running_loop().create_task(self._end(dialog))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, dialog: Dialog) -> None:
        # The guard has logged it.
        with suppress(Reject):
            await self._step(dialog)

    def plugins_changed(self) -> None:
        """End the calls of plugins that were replaced."""
        for id, (dialog, _) in list(self._open.items()):
            if not self._is_current(dialog):
                self.closed(id)
                dialog.end()
                _tell_closed(dialog, id, "replaced")

    async def stop(self) -> None:
        """End all calls that wait."""
        for id, (dialog, _) in list(self._open.items()):
            self.closed(id)
            dialog.end()


def _look(task: asyncio.Task[Any]) -> None:
    """Take note of an exception: one that comes after its caller was answered is not to be reported as lost."""
    if not task.cancelled():
        task.exception()


def _tell_closed(dialog: Dialog, id: str, why: str) -> None:
    assert dialog.session is not None
    dialog.session.connection.send(wire.form_closed(id, why))


def _gone() -> Reject:
    return Reject("This form is out of date.", "not_found", field="form")
