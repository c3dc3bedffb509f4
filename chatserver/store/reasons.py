"""Why storage fails, in words for an admin."""

LOCKED = "the database is locked by another program"
FULL = "the disk is full"
DAMAGED = "the database is damaged: stop the server and restore it from a backup"
SLOW = "the storage has not answered for a second"
NO_WRITING = "the database can't be written to"
NO_MEMORY = "there is no memory left"
UNREACHABLE = "the database server can't be reached"

FOR_ALL = frozenset((LOCKED, UNREACHABLE))
"""What a next piece of work would only wait for as long again."""
