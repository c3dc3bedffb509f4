"""A self-hosted chat server in which every feature is a plugin. These names are what a plugin is written with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model.errors import Reject
    from .model.links import addresses, linked
    from .model.mentions import named_in
    from .model.values import (
        Attachment,
        Draft,
        Event,
        Member,
        Message,
        Request,
        Role,
        Room,
        Status,
        Upload,
        User,
    )
    from .plugins.actions import Action, ActionContext
    from .plugins.apart import ApartError
    from .plugins.base import Plugin
    from .plugins.command import Context, command
    from .plugins.database import Also, Conflict, EventTransaction, Transaction
    from .plugins.endpoints import RequestContext, RequestSpec, Route, Session
    from .plugins.forms import Field, Form, FormClosed
    from .plugins.gateways import StreamLink
    from .plugins.hears import HearsContext, hears
    from .plugins.hookspecs import hookimpl
    from .plugins.http import FetchError, HttpResponse
    from .plugins.jobs import job
    from .plugins.moderation_api import Ban
    from .plugins.picture import scaled
    from .plugins.settings_type import settings
    from .plugins.whole_file import write_whole
    from .web.endpoint import endpoint
    from .web.handler import Handler

__version__ = "0.1.0"

__all__ = [
    "Action",
    "ActionContext",
    "Also",
    "ApartError",
    "Attachment",
    "Ban",
    "Conflict",
    "Context",
    "Draft",
    "Event",
    "EventTransaction",
    "Field",
    "Form",
    "FormClosed",
    "FetchError",
    "Handler",
    "HttpResponse",
    "HearsContext",
    "Member",
    "Message",
    "Plugin",
    "Reject",
    "Request",
    "RequestContext",
    "RequestSpec",
    "Role",
    "Room",
    "Route",
    "Session",
    "Status",
    "StreamLink",
    "Transaction",
    "Upload",
    "User",
    "__version__",
    "addresses",
    "command",
    "endpoint",
    "hears",
    "hookimpl",
    "job",
    "linked",
    "scaled",
    "named_in",
    "settings",
    "write_whole",
]

_MODULES = {
    "plugins.actions": ("Action", "ActionContext"),
    "plugins.apart": ("ApartError",),
    "plugins.moderation_api": ("Ban",),
    "plugins.endpoints": ("RequestContext", "RequestSpec", "Route", "Session"),
    "plugins.command": ("Context", "command"),
    "plugins.database": ("Also", "Conflict", "EventTransaction", "Transaction"),
    "plugins.forms": ("Field", "Form", "FormClosed"),
    "plugins.http": ("FetchError", "HttpResponse"),
    "plugins.gateways": ("StreamLink",),
    "plugins.jobs": ("job",),
    "plugins.picture": ("scaled",),
    "plugins.whole_file": ("write_whole",),
    "model.errors": ("Reject",),
    "plugins.hears": ("HearsContext", "hears"),
    "model.links": ("addresses", "linked"),
    "model.mentions": ("named_in",),
    "plugins.hookspecs": ("hookimpl",),
    "model.values": (
        "Attachment",
        "Draft",
        "Event",
        "Member",
        "Message",
        "Request",
        "Role",
        "Room",
        "Status",
        "Upload",
        "User",
    ),
    "plugins.base": ("Plugin",),
    "plugins.settings_type": ("settings",),
    "web.endpoint": ("endpoint",),
    "web.handler": ("Handler",),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used (PEP 562): ``import chatserver.model.values`` must not load a web server."""
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
