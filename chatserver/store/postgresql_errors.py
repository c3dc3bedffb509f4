"""What the errors of PostgreSQL's driver, psycopg, mean. It is not imported: there may be none."""

from __future__ import annotations

from .reasons import DAMAGED, FULL, LOCKED, NO_MEMORY, NO_WRITING, UNREACHABLE

REFUSED = "the database server refuses the user, the password or the database"
_NO_CODE = object()
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_REASONS = {
    "25006": NO_WRITING,
    "40001": "other servers change the same rows all the time",
    "40P01": "other servers change the same rows all the time",
    "53100": FULL,
    "53200": NO_MEMORY,
    "53300": "the database server takes no more connections",
    "55P03": LOCKED,
    "57014": "a statement took too long",
    "58030": "the disk can't be read or written",
}
_CLASSES = {
    "08": UNREACHABLE,
    "28": REFUSED,
    "3D": REFUSED,
    "53": "the database server has no resources left",
    "57": UNREACHABLE,
    "58": "the database server has a fault of its own",
    "XX": DAMAGED,
}
_NOT_YET = ("the database system is", "too many clients", "reserved for")
"""What it says while it starts, ends, recovers or is full."""
_AGAIN = ("40001", "40P01")
_UNIQUE_VIOLATION = "23505"


def _code(error: BaseException) -> object:
    """The SQLSTATE, None for an error that is not the server's; `_NO_CODE` for another driver's error."""
    return getattr(error, "sqlstate", _NO_CODE)


def reason(error: BaseException) -> str | None:
    """Why the storage failed; None for another driver's error, or one that is no failure of the storage."""
    code = _code(error)
    if code is None:
        return UNREACHABLE if type(error).__name__ in ("OperationalError", "ConnectionTimeout") else None
    if not isinstance(code, str):
        return None
    return _REASONS.get(code) or _CLASSES.get(code[:2])


def is_refusal(told: str) -> bool:
    """Whether this is what a server says at the door that will say it again: an error at connecting has no code."""
    return "FATAL" in told and not any(each in told for each in _NOT_YET)


def is_duplicate(error: BaseException) -> bool:
    """Whether a row was there already that has to be the only one."""
    return _code(error) == _UNIQUE_VIOLATION


def may_work_now(error: BaseException) -> bool:
    """Whether the transaction was only in the way of another one."""
    return _code(error) in _AGAIN
