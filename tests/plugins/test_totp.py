"""The second step: set up with an app, asked for at sign-in, each code once."""

from __future__ import annotations

import time

import pyotp
import pytest

from chatserver.accounts.credentials import FREE_GUESSES
from chatserver.testing import Refused

PASSWORD = "correct horse"


async def login(server, name: str = "ann", **more):
    status, answer = await server.api("POST", "login", {"name": name, "password": PASSWORD, **more})
    return answer.token if status == 200 else (answer.error["code"], answer.error.get("field"))


def code(secret: str, steps: int = 0) -> str:
    """What the app shows, so many half minutes from now."""
    return pyotp.TOTP(secret).at(time.time() + 30 * steps)


async def set_up(client) -> tuple[str, list[str]]:
    begun = await client.ask("totp:begin")
    confirmed = await client.ask("totp:confirm", code=code(begun.secret, -1))
    return begun.secret, confirmed.recovery


async def refused(work) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code, caught.value.field


async def test_a_code_is_asked_for_after_the_password(chat):
    async with chat(plugins=["totp"]) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        assert not (await ann.ask("totp:state")).on
        secret, recovery = await set_up(ann)
        state = await ann.ask("totp:state")
        assert (state.on, state.recovery, len(set(recovery))) == (True, 10, 10)
        assert await login(server) == ("second_step", "code")
        # Nothing is told to those who don't know the password.
        status, answer = await server.api("POST", "login", {"name": "ann", "password": "wrong horse"})
        assert (status, answer.error["code"]) == (401, "unauthorized")
        token = await login(server, code=code(secret))
        assert (await server.api("GET", "me", token=token))[1].user["name"] == "ann"
        # Once: one who looks over the shoulder can't use it again, nor one from before.
        assert await login(server, code=code(secret)) == ("second_step", "code")
        assert await login(server, code=code(secret, -1)) == ("second_step", "code")
        # The clock of a phone may be a little off.
        assert isinstance(await login(server, code=code(secret, 1)), str)
        # Sessions that were there go on, and others are asked for nothing.
        assert await ann.ask("ping")
        assert isinstance(await login(server, "bob"), str)
        assert await bob.ask("ping")


async def test_a_recovery_code_is_good_once_however_it_is_written(chat):
    async with chat(plugins=["totp"]) as server:
        ann = await server.account("ann")
        _, recovery = await set_up(ann)
        assert isinstance(await login(server, code=recovery[0]), str)
        assert await login(server, code=recovery[0]) == ("second_step", "code")
        assert isinstance(await login(server, code=f" {recovery[1].upper().replace('-', ' ')} "), str)
        assert (await ann.ask("totp:state")).recovery == 8
        stored = await server.plugin("totp").db.query("SELECT hash FROM totp_recovery")
        assert not {row["hash"] for row in stored} & set(recovery)


async def test_guesses_at_a_code_are_slowed_down_like_those_at_a_password(chat):
    async with chat(plugins=["totp"]) as server:
        ann = await server.account("ann")
        secret, _ = await set_up(ann)
        for n in range(FREE_GUESSES):
            assert await login(server, code=f"{n:06}") == ("second_step", "code"), n
        status, answer = await server.api(
            "POST", "login", {"name": "ann", "password": PASSWORD, "code": code(secret)}
        )
        assert (status, answer.error["code"]) == (429, "rate_limited")
        assert answer.error["retry_after"] > 0


async def test_it_is_switched_off_by_a_code_alone(chat):
    async with chat(plugins=["totp"]) as server:
        ann = await server.account("ann")
        secret, _ = await set_up(ann)
        assert await refused(ann.ask("totp:begin")) == ("invalid", None)
        for n in range(5):
            assert await refused(ann.ask("totp:off", code=f"{n:06}")) == ("invalid", "code")
        assert (await refused(ann.ask("totp:off", code=code(secret))))[0] == "rate_limited"
        assert await login(server) == ("second_step", "code")


async def test_off_and_on_again_is_another_secret(chat):
    async with chat(plugins=["totp"]) as server:
        ann = await server.account("ann")
        secret, recovery = await set_up(ann)
        await ann.ask("totp:off", code=recovery[3])
        assert isinstance(await login(server), str)
        again, _ = await set_up(ann)
        assert again != secret
        assert await login(server, code=recovery[4]) == ("second_step", "code")
        assert isinstance(await login(server, code=code(again)), str)
        noted = [
            e["action"]
            for e in (await ann.ask("audit", user=ann.id)).entries
            if e["action"].startswith("totp:")
        ]
        assert noted[:3] == ["totp:on", "totp:off", "totp:on"]


async def test_what_is_no_setting_up(chat):
    async with chat(plugins=["totp"]) as server:
        ann, gus = await server.account("ann"), await server.client("gus")
        for request in ("state", "begin"):
            assert (await refused(gus.ask(f"totp:{request}")))[0] == "forbidden"
        assert await refused(ann.ask("totp:confirm", code="123456")) == ("invalid", None)
        assert await refused(ann.ask("totp:off", code="123456")) == ("invalid", None)
        begun = await ann.ask("totp:begin")
        assert begun.uri.startswith("otpauth://totp/chatserver:ann?secret=")
        assert begun.picture.startswith("data:image/png;base64,")
        for wrong in ("", 7, None, "x" * 65):
            assert (await refused(ann.ask("totp:confirm", code=wrong)))[0] == "invalid"
        assert await refused(ann.ask("totp:confirm", code="000000")) == ("invalid", "code")
        # Not confirmed: it counts for nothing.
        assert isinstance(await login(server), str)
        # A token of a program reaches none of it.
        form = {"name": "bot", "scopes": ["messages.read", "message.post"]}
        _, token = await server.api("POST", "tokens", form, token=ann.token)
        program = await server.client(token=token.token)
        assert (await refused(program.ask("totp:begin")))[0] == "forbidden"


async def test_an_admin_helps_those_who_have_lost_their_phone(chat):
    accounts = {"root": "admin", "mod": "moderator"}
    async with chat(plugins=["totp"], accounts=accounts) as server:
        root, mod = await server.join("general", "root", "mod")
        ann = await server.account("ann")
        await set_up(ann)
        assert (await refused(mod.says("/totp-off ann")))[0] == "forbidden"
        assert (await refused(root.says("/totp-off mod")))[0] == "invalid"
        await root.says("/totp-off ann")
        assert isinstance(await login(server), str)
        (entry,) = (await root.ask("audit", search="totp:reset")).entries
        assert (entry["by"]["name"], entry["user"]["name"]) == ("root", "ann")


async def test_the_second_step_outlives_a_restart(chat, on_file):
    async with chat(plugins=["totp"], settings=on_file) as server:
        ann = await server.account("ann")
        secret, _ = await set_up(ann)
        await server.restart()
        assert await login(server) == ("second_step", "code")
        assert isinstance(await login(server, code=code(secret)), str)


async def test_a_token_of_a_program_sets_up_no_second_step(chat):
    async with chat(plugins=["totp"]) as server:
        ann = await server.account("ann")
        form = {"name": "bot", "scopes": ["messages.read", "totp.use"]}
        _, made = await server.api("POST", "tokens", form, token=ann.token)
        program = await server.client(token=made.token)
        assert (await refused(program.ask("totp:begin")))[0] == "forbidden"
        begun = await ann.ask("totp:begin")
        shown = code(begun.secret)
        for request in ("confirm", "off"):
            assert (await refused(program.ask(f"totp:{request}", code=shown)))[0] == "forbidden"
        assert not (await ann.ask("totp:state")).on
