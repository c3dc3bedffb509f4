"""The description of the HTTP interface, as OpenAPI 3.1, made from the handlers and what they take."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import msgspec
from tornado.web import RequestHandler

from ..model.errors import HTTP_STATUS
from ..plugins.plugin_set import PluginSet
from .endpoint import Endpoint, endpoint, endpoint_of
from .handler import Handler
from .plugin_routes import address as plugin_address
from .site import Site

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
SCHEMAS = "#/components/schemas/{name}"
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "enum": sorted(HTTP_STATUS)},
                "message": {"type": "string"},
                "field": {"type": "string"},
                "plugin": {"type": "string"},
                "retry_after": {"type": "number", "description": "seconds"},
            },
        }
    },
}
_GROUP = re.compile(r"\((?:\?P<[a-z_]+>)?((?:[^()\\]|\\.)*)\)|\[\^/\]\+")


class Address(NamedTuple):
    """A route: its pattern, a regular expression, and its handler."""

    pattern: str
    handler: type


def description(addresses: Iterable[Address], name: str, version: str) -> dict[str, Any]:
    """The document for ``addresses``. Methods that don't say what they take are named alone."""
    methods = [
        (address, method, function)
        for address in addresses
        for method in METHODS
        if (function := _own(address.handler, method)) is not None
    ]
    types = {
        each
        for _, _, function in methods
        if (said := endpoint_of(function)) is not None
        for each in (said.body, said.query)
        if each not in (None, bytes)
    }
    # In the order of their names: the document is the same each time.
    ordered = sorted(types, key=lambda each: (each.__module__, each.__qualname__))
    references, schemas = msgspec.json.schema_components(ordered, ref_template=SCHEMAS)
    known = dict(zip(ordered, references, strict=True))
    for each in ordered:
        # What a frame has to say of its type goes without saying where the address says it.
        tag = cast(type[msgspec.Struct], each).__struct_config__.tag_field
        if tag is not None:
            schemas[known[each]["$ref"].rpartition("/")[2]]["required"].remove(tag)
    paths: dict[str, Any] = {}
    for address, method, function in methods:
        path, parameters = _path(address.pattern, function)
        paths.setdefault(path, {})[method] = _operation(method, path, function, parameters, known, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**schemas, "Error": ERROR},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "chat_session"},
            },
        },
    }


def _own(handler: type, method: str) -> Any:
    """A handler's method, unless it is the one that all have."""
    function = getattr(handler, method, None)
    return None if function in (getattr(RequestHandler, method), getattr(Handler, method)) else function


def _path(pattern: str, function: Any) -> tuple[str, list[dict[str, Any]]]:
    """A route's pattern as a template, and its parameters, which are called what the method calls them."""
    names = iter(list(inspect.signature(function).parameters)[1:])
    parameters: list[dict[str, Any]] = []

    def named(match: re.Match[str]) -> str:
        name = next(names, "name") if match[1] is not None else "name"
        name = name.lstrip("_") or "id"
        schema = {"type": "string", "pattern": f"^{match[1] or match[0]}$"}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
        return "{" + name + "}"

    return _GROUP.sub(named, pattern), parameters


def _operation(
    method: str,
    path: str,
    function: Any,
    parameters: list[dict[str, Any]],
    known: dict[Any, Any],
    schemas: dict[str, Any],
) -> dict[str, Any]:
    said = endpoint_of(function) or Endpoint()
    words = re.findall(r"\w+", path.removeprefix("/api/v1"))
    found: dict[str, Any] = {"operationId": "_".join([method, *words])}
    if function.__doc__:
        found["summary"] = inspect.cleandoc(function.__doc__).partition("\n\n")[0].replace("\n", " ")
    parameters = parameters + [
        {"name": name, "in": "header", "schema": {"type": "string"}} for name in said.headers
    ]
    if said.query is not None:
        parameters += _query(schemas[known[said.query]["$ref"].rpartition("/")[2]])
    if parameters:
        found["parameters"] = parameters
    if said.body is bytes:
        found["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    elif said.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": known[said.body]}},
        }
    answer: dict[str, Any] = {"description": "It went well."}
    if said.status != 204:
        answer["content"] = {
            media: {"schema": {"type": "object"} if media == "application/json" else {}}
            for media in said.media
        }
    error = {"schema": {"$ref": SCHEMAS.format(name="Error")}}
    found["responses"] = {
        str(said.status): answer,
        "default": {"description": "It was refused.", "content": {"application/json": error}},
    }
    if not said.anonymous:
        found["security"] = [{"token": []}, {"cookie": []}]
    return found


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


class OpenApi(Handler):
    """GET /api/v1/openapi.json"""

    def initialize(self, site: Site, documents: Documents) -> None:  # type: ignore[override]
        super().initialize(site)
        self.documents = documents

    @endpoint(anonymous=True)
    def get(self) -> None:
        """This description."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(self.documents.current())


class Documents:
    """The description with the routes of the plugins of now, made once for each set of them."""

    def __init__(self, site: Site, own: Iterable[Address]) -> None:
        self._site = site
        self._own = list(own)
        self._made: WeakKeyDictionary[PluginSet, bytes] = WeakKeyDictionary()

    def current(self) -> bytes:
        """The document, as JSON."""
        plugins = self._site.services.host.current
        found = self._made.get(plugins)
        if found is None:
            addresses = [
                *self._own,
                *(
                    Address(plugin_address(plugin.name, route), route.handler)
                    for plugin, route in plugins.routes
                ),
            ]
            settings = self._site.services.settings
            document = description(addresses, settings.server.name, self._site.version)
            found = self._made[plugins] = msgspec.json.encode(document)
        return found
