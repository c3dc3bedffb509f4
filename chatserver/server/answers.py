"""What a running server answers to other commands, through its socket in the data folder."""

from __future__ import annotations

from functools import partial

import msgspec

from ..model.errors import ConfigError
from .control import FIGURES, RELOAD, SETUP, Work
from .erase_command import ERASE
from .erase_command import answer as erase_answer
from .nodes_command import NODES, nodes_told
from .permission_commands import PERMISSION
from .plugin_list import RUNNING, WHY
from .rebuild_command import LEFT, REBUILD
from .retention_command import RETENTION
from .retention_command import answer as retention_answer
from .server import ChatServer


async def setup_line(server: ChatServer) -> str:
    """The line for the first admin, while there is none."""
    token = await server.services.accounts.setup_token()
    if token is None:
        return ""
    link = f"{server.address}/#setup={token}"
    return f"There is no admin yet. Become it with this link, within a day: {link}\n"


def answers(server: ChatServer) -> dict[str, Work]:
    """What other commands ask the running server."""

    async def reload(_: str) -> str:
        return await server.reload()

    async def plugins(_: str) -> str:
        loaded = server.host.current.plugins
        following = {each.name: await each.instance.following() for each in loaded}
        lines = [{**line, "following": following.get(line["name"], {})} for line in server.host.overview()]
        return msgspec.json.encode(lines).decode()

    async def rebuild(plugin: str) -> str:
        await server.handles.rebuild(plugin)
        return ""

    async def left(plugin: str) -> str:
        return str(sum((await server.handles.following(plugin)).values()))

    async def why(message_id: str) -> str:
        return server.host.why(message_id or None)

    async def permission(asked: str) -> str:
        name, permission, room = msgspec.json.decode(asked, type=tuple[str, str, str | None])
        services = server.services
        user = await services.accounts.find(name)
        live = await services.rooms.get(room) if room is not None else None
        return await services.access.why(user, permission, live)

    async def nodes(_: str) -> str:
        services = server.services
        if services.nodes is None:
            raise ConfigError("this server was started alone: its settings named no bus.url")
        return nodes_told(services.nodes, services.bus.problem)

    async def figures(_: str) -> str:
        return server.figures.own()

    async def setup(_: str) -> str:
        return await setup_line(server)

    return {
        RELOAD: reload,
        RUNNING: plugins,
        REBUILD: rebuild,
        LEFT: left,
        WHY: why,
        PERMISSION: permission,
        ERASE: partial(erase_answer, server.services.erasure),
        RETENTION: partial(retention_answer, server.services.retention),
        NODES: nodes,
        SETUP: setup,
        FIGURES: figures,
    }
