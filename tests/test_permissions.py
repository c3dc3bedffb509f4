"""Roles and the permissions they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.model.permissions import CORE, Permissions
from chatserver.model.values import ROLES, Member, User
from chatserver.testing import Refused


def user(role):
    return User(f"u-{role}", role, role, role)


@pytest.mark.parametrize(("permission", "lowest"), CORE.items())
def test_a_core_permission_is_held_from_its_lowest_role_on(permission, lowest):
    permissions = Permissions()
    holders = [role for role in ROLES if permissions.may(user(role), permission)]
    assert holders == list(ROLES[ROLES.index(lowest) :])


def test_no_role_has_a_permission_that_does_not_exist():
    assert not Permissions().may(user("admin"), "message.read_minds")


def test_plugins_add_permissions():
    permissions = Permissions({"moderation.kick": "moderator"})
    assert permissions.may(user("admin"), "moderation.kick")
    assert not permissions.may(user("member"), "moderation.kick")
    assert "moderation.kick" in permissions


def test_extra_permissions_go_to_the_role_and_those_above():
    permissions = Permissions({}, {"member": ["message.delete_any"]})
    assert not permissions.may(user("guest"), "message.delete_any")
    assert permissions.may(user("member"), "message.delete_any")
    assert permissions.may(user("moderator"), "message.delete_any")


def test_an_extra_permission_takes_nothing_away():
    permissions = Permissions({}, {"admin": ["message.post"]})
    assert permissions.may(user("guest"), "message.post")


def test_an_unknown_extra_permission_is_refused():
    with pytest.raises(KeyError, match=r"message\.pots"):
        Permissions({}, {"guest": ["message.pots"]})


@pytest.mark.parametrize("role", ["moderator", "owner"])
def test_who_runs_a_room_is_a_moderator_in_it(role):
    guest = user("guest")
    permissions = Permissions({"x.admin": "admin"})
    assert permissions.may(guest, "room.change", Member(guest, role))
    assert not permissions.may(guest, "room.change", Member(guest))
    assert not permissions.may(guest, "room.change")
    assert not permissions.may(guest, "x.admin", Member(guest, role))


def test_a_room_role_takes_nothing_from_an_admin():
    admin = user("admin")
    assert Permissions({"x.admin": "admin"}).may(admin, "x.admin", Member(admin, "moderator"))


def test_held_lists_what_may_says():
    permissions = Permissions({"x.y": "moderator"}, {"guest": ["room.create"]})
    held = permissions.held(user("guest"))
    assert held == sorted(held)
    assert "room.create" in held
    assert "x.y" not in held


@given(st.sampled_from(ROLES), st.sampled_from(ROLES))
def test_users_act_on_lower_roles_only(by, target):
    permissions = Permissions()
    assert permissions.outranks(user(by), user(target)) == (ROLES.index(by) > ROLES.index(target))


READING_ROOM = """
from chatserver import Plugin, hookimpl


class Reading(Plugin):
    @hookimpl
    def may(self, user, permission, room):
        return permission != "message.post" or (room is not None and room.name == "general")
"""


async def test_a_plugin_is_asked_with_the_room_in_question(chat, tmp_path):
    (tmp_path / "reading.py").write_text(READING_ROOM)
    rooms = {"rooms": [{"name": "general"}, {"name": "tea"}]}
    async with chat(plugins=["reading"], dirs=[tmp_path], settings=rooms) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("here")
        await alice.join("tea")
        with pytest.raises(Refused) as caught:
            await alice.says("there", room="tea")
        assert caught.value.code == "forbidden"
