"""Everything the chat consists of, below sessions and HTTP: built once, here, and shared by all above."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from ..accounts.accounts import Accounts
from ..accounts.arrivals import Arrivals
from ..accounts.blocks import Blocks
from ..accounts.credentials import Credentials
from ..accounts.jwt_tokens import JwtTokens
from ..accounts.registration import Registration
from ..accounts.sanctions import Sanctions
from ..accounts.sign_in import SignIn
from ..accounts.signing_keys import SigningKeys
from ..config import Settings
from ..delivery.bus import MakeBus
from ..delivery.hub import Hub, Outlet
from ..delivery.local_sessions import LocalSessions
from ..delivery.presence import Presence
from ..delivery.send import SendToAll, send_in_python
from ..delivery.send import choose as choose_send
from ..model.address_limit import AddressLimit
from ..model.errors import Close
from ..model.metrics import Metrics
from ..model.rate_limit import RateLimiter
from ..model.tuning import Sizes, Timeouts
from ..model.values import RoomPosition
from ..plugins.host import PluginHost
from ..store import Store
from ..store.accounts import add_signal
from .access import Access
from .account_admin import AccountAdmin
from .account_changes import AccountChanges
from .account_end import AccountEnd
from .after_commit import AfterCommit, user_gone
from .api_tokens import ApiTokens
from .audit import AuditLog
from .bots import Bots
from .calls import CallServices
from .consent import Consent
from .dialogs import Dialogs
from .drafts import DraftPipeline
from .erasure import Erasure
from .invites import Invites
from .kept_profiles import KeptProfiles
from .listing import RoomLists
from .messages import Messages
from .moderation import Moderation
from .node_notes import Closed, Note, Signals
from .nodes import Nodes
from .notifier import Notifier
from .own_data import OwnData
from .people import People
from .plugin_reload import PluginReload
from .press_action import ActionPresser
from .profiles import Profiles
from .refusals import Refusals
from .registry import RoomRegistry
from .resends import Resends
from .retention import Retention
from .room_limits import RoomLimits
from .room_log import RoomLog
from .rooms import RoomService
from .run_command import CommandRunner
from .shared_keys import SharedKeys
from .shared_limits import SharedLimits
from .shared_presence import SharedPresence
from .shared_switches import SharedSwitches

log = logging.getLogger(__name__)


class Services:
    """The use cases and what they work with. Made inside a running loop, from a store that is open and plugins that
    are loaded; nothing runs yet. ``clock`` gives the time of day, in seconds since the epoch."""

    def __init__(
        self,
        settings: Settings,
        host: PluginHost,
        store: Store,
        metrics: Metrics,
        timeouts: Timeouts,
        sizes: Sizes,
        clock: Callable[[], float],
        make_bus: MakeBus,
        read_settings: Callable[[], Settings] | None = None,
    ) -> None:
        self.settings = settings
        self.host = host
        self.store = store
        self.metrics = metrics
        self.timeouts = timeouts
        self.sizes = sizes
        self.started = time.monotonic()
        self.stopping = False
        """Nothing new is begun any more."""
        self.sanctions = Sanctions(store, clock)
        self._build_delivery(make_bus, clock)
        self._build_users(clock)
        self._build_rooms(clock)
        self.nodes = self._nodes() if self.bus.shared else None
        """The other servers; None where there are none."""
        self.plugin_reload = PluginReload(settings, host, store, read_settings)
        self.switches = self._share(self.nodes) if self.nodes is not None else None
        """Which plugins are off on all servers; None where there are no others."""

    def _build_delivery(self, make_bus: MakeBus, clock: Callable[[], float]) -> None:
        send_to_all: SendToAll[Outlet] = choose_send(self.settings.server.compiled)
        compiled = send_to_all is not send_in_python
        log.debug("messages are sent by %s", "compiled code" if compiled else "Python code")
        self.hub = Hub(asyncio.get_running_loop().call_soon, self.metrics, send_to_all)
        self.bus = make_bus(self.hub.deliver, self.hub.deliver_apart)
        self.blocks = Blocks(self.store)
        self.access = Access(self.host, self.sanctions, self.blocks)
        self.notifier = Notifier(self.host, self.metrics, self.sizes.plugin_calls)
        gone = partial(user_gone, self.bus)
        left = partial(self.notifier.notify, "after_disconnect")
        self.profiles = KeptProfiles(self.store, clock)
        self.presence = Presence(
            gone, self.timeouts.presence_grace, left, lambda *who: self.profiles.shown(*who).text
        )
        self.sessions = LocalSessions(self.hub)
        self.after_commit = AfterCommit(
            self.sessions,
            self.bus,
            self.presence,
            self.notifier,
            self.access,
            self.settings.limits.presence_members,
            self.metrics,
        )

    def _build_users(self, clock: Callable[[], float]) -> None:
        auth, limits = self.settings.auth, self.settings.limits
        self.accounts = Accounts(
            self.store,
            auth,
            is_here=self._is_here,
            on_release=self._released,
            clock=clock,
            roles=lambda: self.host.current.permissions.roles,
        )
        # As many new guests at once as connections, and as many again in a minute.
        most = limits.connections_per_ip
        new_guests = self._new_guests = RateLimiter(most / 60, most, time.monotonic) if auth.guests else None
        self.credentials = Credentials(self.store, self.accounts, clock)
        keys = self._keys = SigningKeys(self.settings.data_dir / "jwt_keys.json", clock)
        address = self.settings.server.public_url.rstrip("/") or self.settings.server.name
        self.jwt = JwtTokens(self.store, keys, address, auth.jwt_issuers, clock)
        self.arrivals = Arrivals(self.store, self.accounts, self.jwt)
        self.accounts.tokens.also(self.arrivals.facts)
        self.accounts.tokens.connected = self.sessions.tokens_of
        self.sign_in = SignIn(
            self.accounts, self.credentials, self.arrivals, self.host, new_guests, self.sanctions
        )
        self.registration = Registration(
            self.store, self.accounts, self.host, auth, limits, self.access.may, clock
        )
        self.message_limiter = RateLimiter(limits.messages_per_second, limits.burst, time.monotonic)
        """What other users notice: messages, and by `moves` joining, leaving and the like."""
        self.refusals = Refusals()
        self.address_limit = AddressLimit(limits.requests_per_second_per_ip, time.monotonic)
        self.request_limiter = RateLimiter(5 * limits.messages_per_second, 10 * limits.burst, time.monotonic)
        """What only costs the server: reading, and requests of any other kind."""

    def _build_rooms(self, clock: Callable[[], float]) -> None:
        host, store, access = self.host, self.store, self.access
        resends = Resends(store)
        pipeline = DraftPipeline(host, self.settings.limits.content_chars)
        rooms = self.rooms = RoomRegistry(store, self.bus, self.after_commit, resends, clock)
        self.room_log = RoomLog(store, access, host)
        limits = self._room_limits = RoomLimits(self.settings.limits, access, time.monotonic)
        self.consent = Consent(store, self.bus, self.profiles, self.blocks, clock)
        self.room_service = RoomService(rooms, store, access, host, limits, self.consent)
        self.room_lists = RoomLists(rooms, store, self.presence, self.sizes.members_page)
        self.messages = Messages(
            rooms, self.room_service, store, access, pipeline, self.message_limiter, resends
        )
        self.retention = Retention(store, rooms, self.notifier, self.settings.retention.keep_days, clock)
        self.audit = AuditLog(store, rooms, access, self.accounts, clock)
        self.moderation = Moderation(rooms, store, access, self.presence.is_here, self._close, clock)
        self.people = People(
            rooms, store, self.bus, access, self.presence, self.after_commit, self.accounts, self.notifier,
            self.profiles, self._user_changed,
        )  # fmt: skip
        self.profile_changes = Profiles(
            store, self.accounts, access, self.people, self.profiles, self.presence.status,
            self.presence.own_status,
        )  # fmt: skip
        self.bots = Bots(store, self.accounts, self.people, clock)
        self.account_changes = AccountChanges(
            store, self.accounts, self.people, rooms, self.sessions, self.sanctions, self._user_changed
        )
        self.account_admin = AccountAdmin(store, self.accounts, access, self.account_changes)
        self.erasure = Erasure(store, self.accounts, access, rooms, self.account_changes, host)
        self.account_end = AccountEnd(
            store,
            self.credentials,
            rooms,
            self.room_service,
            self.room_lists,
            self.account_changes,
            self.settings.auth.deleted_texts == "blank",
        )
        self.api_tokens = ApiTokens(store, self.accounts, access, self.jwt, clock)
        self.own_data = OwnData(
            self.accounts, self.profile_changes, self.people, self.room_lists, self.api_tokens, self.audit,
            self.account_end, host,
        )  # fmt: skip
        self.invites = Invites(store, self.accounts, access, self.room_service, clock)
        self.dialogs = Dialogs(host)
        calls = CallServices(host, self.accounts, rooms, access, self.dialogs)
        self.commands = CommandRunner(calls, pipeline, self.message_limiter, self.notifier)
        self.presser = ActionPresser(calls, self.messages)

    def _nodes(self) -> Nodes:
        # All that others say reaches this server by these topics.
        self.hub.on_first, self.hub.on_last = self._listen_to_user, self._unlisten_to_user
        presence = SharedPresence(self.presence, self.after_commit, self._send_note)
        return Nodes(
            self.bus,
            self.store,
            self.rooms,
            presence,
            self.timeouts,
            self.sessions,
            self.account_changes.apply,
            self._look,
        )

    def _share(self, nodes: Nodes) -> SharedSwitches:
        """What counts on all servers, beside what is in the log."""
        limiters = {
            "messages": self.message_limiter,
            "requests": self.request_limiter,
            "registrations": self.registration.by_address,
            "invites": self.invites.made,
            **self._room_limits.limiters,
        }
        if self._new_guests is not None:
            limiters["guests"] = self._new_guests
        nodes.limits = SharedLimits(limiters, self.credentials.attempts, nodes.send)
        SharedKeys(self.store, nodes, self._keys, self.jwt)
        return SharedSwitches(self.store, nodes, self.plugin_reload)

    def _send_note(self, note: Note) -> None:
        if self.nodes is not None:
            self.nodes.send(note)

    def _close(self, user_id: str, code: Close, reason: str) -> None:
        """Close a user's connections on all servers."""
        self.sessions.close(user_id, code, reason)
        self._send_note(Closed(user_id, code, reason))

    def _listen_to_user(self, topic: str) -> None:
        if topic.startswith("@"):
            self.bus.listen(topic)

    def _unlisten_to_user(self, topic: str) -> None:
        if topic.startswith("@"):
            self.bus.unlisten(topic)

    async def _look(self, user_id: str, room: str, entered: RoomPosition | None) -> None:
        known = self.rooms.in_memory(room) is not None
        live = await self.rooms.get(room)
        if live.order is None:
            return
        head = live.position
        if not known and entered is not None and not self.sessions.listening(room):
            # The first here who is in this room: they get it from where they came in.
            live.rewind(entered)
        elif entered is not None:
            await live.order.reach(entered)
        self.after_commit.look(live, user_id)
        live.order.known(head)

    async def _user_changed(self, user_id: str) -> None:
        """Something about a user is in the database: let other servers see it."""
        if self.nodes is not None:
            await self.store.write(lambda conn: add_signal(conn, user_id))
            self.nodes.send(Signals())

    def _released(self, user_id: str) -> None:
        self.people.released(user_id)

    def _is_here(self, user_id: str) -> bool:
        # Just after a start no guest has had the time to come back.
        just_started = time.monotonic() - self.started < self.timeouts.name_grace
        return just_started or self.presence.is_here(user_id)
