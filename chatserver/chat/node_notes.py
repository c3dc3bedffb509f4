"""What the servers of a cluster tell each other, beside what clients get."""

from __future__ import annotations

import msgspec

from ..model.errors import Close
from ..model.values import Status, User


class _Note(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


class Here(msgspec.Struct, frozen=True, array_like=True):
    """A user who is connected to the sender, with the state that they set, and the rooms they are shown in; ``changed``
    if the state was set just now."""

    user: User
    status: Status
    rooms: tuple[str, ...]
    changed: bool = False


class Beat(_Note, frozen=True):
    """A sign of life, with how many users are connected to the sender, and how many events that are in the log it has
    not delivered yet. What newer versions add has a default, as older ones don't send it."""

    users: int
    address: str
    since: float
    version: str = ""
    behind: int = 0


class People(_Note, frozen=True):
    """Users who are connected to the sender by now, and the ids of those who are not any more."""

    here: tuple[Here, ...]
    gone: tuple[str, ...] = ()


class Everyone(_Note, frozen=True):
    """The ids of all users of the sender, after `People` who said who they are: all others are gone."""

    users: tuple[str, ...]


class Who(_Note, frozen=True):
    """Asks ``node``, or all where it is empty, for all of its users."""

    node: str = ""


class Bye(_Note, frozen=True):
    """The sender stops."""


class Closed(_Note, frozen=True):
    """The connections of a user are to be closed."""

    user: str
    code: Close
    reason: str


class Signals(_Note, frozen=True):
    """Something about users was written to the database, for all servers to apply."""


class Jobs(_Note, frozen=True):
    """A plugin has planned a job, or taken one back: for the server that runs them."""


class Used(_Note, frozen=True):
    """So many tokens of a limiter were taken on the sender, by key."""

    limiter: str
    keys: dict[str, int]


class Failed(_Note, frozen=True):
    """A sign-in failed on the sender, for these keys."""

    keys: tuple[str, ...]


class Facts(_Note, frozen=True):
    """Something that all servers have to know alike has changed in the database."""


Note = Beat | People | Everyone | Who | Bye | Closed | Signals | Jobs | Used | Failed | Facts

encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Note).decode


def decode(payload: bytes) -> Note | None:
    """What a server tells; None for what only a newer version knows."""
    try:
        return _decode(payload)
    except msgspec.ValidationError:
        return None
