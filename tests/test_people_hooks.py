"""The hooks about people: invitations, names, commands, signing in."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

GUARD = '''
from chatserver import Plugin, Reject, Request, Room, User, command, hookimpl


class Guard(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.heard = []

    @command("guard say", aliases=["guard tell"])
    async def say(self, ctx, *, text: str = ""):
        """Say something."""
        if text == "no":
            raise Reject("No.")

    @hookimpl
    async def before_invite(self, user: User, room: Room, by: User):
        if user.name == "bob":
            raise Reject(f"{by.name} may not bring {user.name} to {room.name}.")

    @hookimpl
    async def before_login(self, user: User, request: Request):
        self.heard.append(("before_login", user.name, request.remote_ip))
        if user.name == "carl":
            raise Reject("Not on a Sunday.", "forbidden")

    @hookimpl
    def after_login(self, user, request):
        self.heard.append(("after_login", user.name, request.headers["user-agent"]))

    @hookimpl
    def after_rename(self, user, old):
        self.heard.append(("after_rename", user.display_name, old))

    @hookimpl
    def after_command(self, user, room, command, text):
        self.heard.append(("after_command", user.name, room and room.name, command, text))
'''


@pytest.fixture
def guarded(chat, tmp_path):
    """Makes a server with the plugin above."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "guard.py").write_text(GUARD)
    return lambda: chat(plugins=["basics", "guard"], dirs=[folder])


def heard(server):
    return server.server.host.current.peer("guard").heard


async def test_an_invitation_can_be_refused(guarded):
    async with guarded() as server:
        alice, bob, eve = [await server.account(name) for name in ("alice", "bob", "eve")]
        await alice.join("general")
        with pytest.raises(Refused, match="alice may not bring bob to general") as caught:
            await alice.says("/invite bob")
        assert (caught.value.code, caught.value.error.plugin) == ("rejected", "guard")
        status, answer = await server.api(
            "POST", "rooms/general/members", {"user": bob.id}, token=alice.token
        )
        assert (status, answer.error["code"]) == (403, "rejected")
        await alice.says("/invite eve")
        assert await eve.hears("member", action="added")
        # Who is there already is not brought.
        await bob.join("general")
        await alice.says("/invite bob")
        assert not await bob.heard("kicked")


async def test_a_sign_in_can_be_refused_between_password_and_session(guarded, eventually):
    async with guarded() as server:
        for name in ("alice", "carl"):
            await server.services.accounts.add(name, "correct horse", "member")
        wrong = await server.api("POST", "login", {"name": "carl", "password": "wrong horse"})
        assert (wrong[0], heard(server)) == (401, [])
        refused = await server.http("POST", "/api/v1/login", {"name": "carl", "password": "correct horse"})
        assert refused.code == 403
        assert b"Not on a Sunday." in refused.body
        assert "Set-Cookie" not in refused.headers
        status, answer = await server.api(
            "POST", "login", {"name": "alice", "password": "correct horse"}, headers={"User-Agent": "kit"}
        )
        assert status == 200
        await server.client(token=answer.token)
        await eventually(lambda: len(heard(server)) == 3)
        assert heard(server) == [
            ("before_login", "carl", "127.0.0.1"),
            ("before_login", "alice", "127.0.0.1"),
            ("after_login", "alice", "kit"),
        ]


async def test_plugins_hear_of_names_and_commands(guarded, eventually):
    async with guarded() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("/GUARD tell  a  secret ")
        await alice.ask("message", content="/guard say", to="nobody")
        with pytest.raises(Refused):
            await alice.says("/guard say no")
        await alice.says("/nick ally")
        await eventually(lambda: len(heard(server)) == 4)
        assert heard(server) == [
            ("after_command", "alice", "general", "guard say", "a  secret"),
            ("after_command", "alice", None, "guard say", ""),
            ("after_rename", "ally", "alice"),
            ("after_command", "alice", "general", "nick", "ally"),
        ]
