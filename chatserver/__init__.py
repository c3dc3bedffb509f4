"""A self-hosted chat server in which every feature is a plugin. These names are what a plugin is written with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chatapi import Also, Ban, RequestSpec, Route
    from .commands import command
    from .errors import Reject
    from .hookspecs import hookimpl
    from .model import Attachment, Draft, Event, Member, Message, Room, Upload, User
    from .plugin import Plugin, settings
    from .web.handler import Handler

__version__ = "0.1.0"

__all__ = [
    "Also",
    "Attachment",
    "Ban",
    "Draft",
    "Event",
    "Handler",
    "Member",
    "Message",
    "Plugin",
    "Reject",
    "RequestSpec",
    "Room",
    "Route",
    "Upload",
    "User",
    "__version__",
    "command",
    "hookimpl",
    "settings",
]

_MODULES = {
    "chatapi": ("Also", "Ban", "RequestSpec", "Route"),
    "commands": ("command",),
    "errors": ("Reject",),
    "hookspecs": ("hookimpl",),
    "model": ("Attachment", "Draft", "Event", "Member", "Message", "Room", "Upload", "User"),
    "plugin": ("Plugin", "settings"),
    "web.handler": ("Handler",),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used (PEP 562): ``import chatserver.model`` must not load a web server."""
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
