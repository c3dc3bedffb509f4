"""What is decided on one node holds on the other from then on, whatever is under way there."""

from __future__ import annotations

import asyncio

import pytest
from chaos_client import LATEST, Link, Refused, Talker, check, said
from chaos_cluster import PASSWORD, ROUNDS

ACTS = {
    "/mute {}": "muted",
    "/kick {}": "kicked",
    "/ban {}": "banned",
    "remove": "removed",
}
SOCKETS = 20
SIGN_UPS = 2
"""Rounds with invites: one address may make so many accounts."""
LONG = 300 + 20 * ROUNDS


@pytest.mark.timeout(seconds=LONG)
async def test_nothing_follows_a_mute_kick_ban_or_removal(cluster):
    async with cluster() as here:
        boss = Talker("boss", here.urls, token=await here.account("boss", "admin"), only=0, room="secret")
        status, answer = await here.http(0, "POST", "api/v1/rooms", boss.token, name="secret", kind="private")
        assert status == 201, answer
        tokens = {}
        for number in range(ROUNDS or 1):
            for act, done in ACTS.items():
                name = f"{done}{number}"
                tokens[name] = await here.account(name)
                status, answer = await here.http(
                    0, "POST", "api/v1/rooms/secret/members", boss.token, user=name
                )
                assert status == 201, answer
                pest = Talker(name, here.urls, token=tokens[name], only=1, room="secret", pause=0)
                try:
                    pest.start()
                    await said([pest], 20)
                    if act == "remove":
                        await here.http(0, "DELETE", f"api/v1/rooms/secret/members/{name}", boss.token)
                    else:
                        await boss.ask("message", room="secret", content=act.format(name))
                    async with asyncio.timeout(LATEST):
                        await pest.finish(begin_more=True)
                    assert pest.refusal.code in ("muted", "banned", "not_member", "not_found"), pest.refusal
                    last = await boss.ask("message", room="secret", content=f"done {name}")
                    await boss.reach(last.seq)
                    at = boss.log.index(f"(member {done} {name})")
                    late = [text for text in boss.log[at:] if text.startswith(name + " ")]
                    assert not late, (act, late)
                    check([boss, pest])
                finally:
                    await pest.leave()
        await boss.leave()
        assert not here.faults(), here.told()


@pytest.mark.timeout(seconds=LONG)
async def test_a_session_ends_and_names_and_invites_are_given_once(cluster):
    async with cluster() as here:
        admin = await here.account("boss", "admin")
        for number in range(ROUNDS or 1):
            await one_session(here, number)
            await one_name(here, number)
            if number < SIGN_UPS:
                await one_invite(here, number, admin)
        assert not here.faults(), here.told()


async def one_session(here, number):
    """A session that ends on one node has ended on the other: its sockets there are closed, and no more are opened."""
    token = await here.account(f"alice{number}")
    links = []
    for each in range(SOCKETS):
        links.append(await Link.open(here.urls()[each % 2], lambda _: None))
        await links[-1].ask("hello", token=token)
    status, _ = await here.http(0, "POST", "api/v1/logout", token)
    assert status in (200, 204), status
    late = await Link.open(here.urls()[1], lambda _: None)
    with pytest.raises(Refused, match="unauthorized"):
        await late.ask("hello", token=token)
    async with asyncio.timeout(LATEST):
        await asyncio.gather(*(link.reading for link in links))
    assert {link.code for link in links} == {4003}
    late.cut()


async def one_name(here, number):
    """A name that guests ask for on both nodes at once is given to one of them."""
    links = [await Link.open(here.urls()[each % 2], lambda _: None) for each in range(8)]
    answers = await asyncio.gather(
        *(link.ask("hello", name=f"eve{number}") for link in links), return_exceptions=True
    )
    codes = sorted(answer.code if isinstance(answer, Refused) else "welcome" for answer in answers)
    assert codes == ["name_taken"] * 7 + ["welcome"], answers
    for link in links:
        link.cut()


async def one_invite(here, number, admin):
    """The last use of an invite is one account."""
    status, invite = await here.http(0, "POST", "api/v1/invites", admin, uses=1)
    assert status == 201, invite
    answers = await asyncio.gather(
        *(
            here.http(
                each % 2, "POST", "api/v1/register",
                name=f"guest{number}x{each}", password=PASSWORD, invite=invite["invite"]["code"],
            )
            for each in range(4)
        )
    )  # fmt: skip
    assert sorted(status for status, _ in answers)[1:] == [401] * 3, answers
    assert min(status for status, _ in answers) in (200, 201), answers
