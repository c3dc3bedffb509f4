"""Signing in: equal work for each answer, bounded work for each password, and one winner of each race."""

from __future__ import annotations

import asyncio
import json

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from chatserver import Reject, Request
from chatserver.accounts.credentials import FREE_FROM_ONE_ADDRESS, FREE_GUESSES
from chatserver.accounts.login_throttle import (
    LONGEST_WAIT,
    MOST_KEYS,
    REST_SECONDS,
    SHORTEST_WAIT,
    LoginThrottle,
)
from chatserver.store import accounts as people

PASSWORD = "correct horse"


class Work:
    """What the library was asked to do: each time, the cost and the length of the password."""

    def __init__(self) -> None:
        self.done: list[tuple] = []

    def take(self) -> list[tuple]:
        done, self.done = self.done, []
        return done


@pytest.fixture
def work(monkeypatch):
    """Counts the hashes that argon2 makes, which is what takes time."""
    work = Work()
    hash, verify = PasswordHasher.hash, PasswordHasher.verify

    def counted_hash(self, password, **options):
        made = hash(self, password, **options)
        work.done.append((extract_parameters(made), len(password)))
        return made

    def counted_verify(self, made, password):
        work.done.append((extract_parameters(made), len(password)))
        return verify(self, made, password)

    monkeypatch.setattr(PasswordHasher, "hash", counted_hash)
    monkeypatch.setattr(PasswordHasher, "verify", counted_verify)
    return work


async def login(server, name: str, password: str):
    """As a client would; None when it worked, else the refusal."""
    try:
        await server.server.services.credentials.with_password(name, password, Request("192.0.2.1"))
    except Reject as refusal:
        return refusal.code, refusal.message, refusal.field
    return None


async def test_a_wrong_password_and_an_unknown_name_take_the_same_work(chat, work):
    async with chat() as server:
        await server.server.services.accounts.add("carl", PASSWORD, "member")
        await server.client("guest")
        ((cost, _),) = work.take()
        assert cost.type is Type.ID
        answers = set()
        for name in ("carl", "unknown", "guest", "", "x" * 4000, "u0123456789abcdef"):
            answers.add(await login(server, name, "wrong horse"))
            assert work.take() == [(cost, len("wrong horse"))], name
        assert len(answers) == 1
        assert await login(server, "carl", PASSWORD) is None
        assert work.take() == [(cost, len(PASSWORD))]


async def test_no_more_of_a_password_is_hashed_than_one_can_have(chat, work):
    async with chat() as server:
        longest = "p" * 256
        await server.server.services.accounts.add("carl", longest, "member")
        assert await login(server, "carl", longest) is None
        work.take()
        for password in (longest + "p", "p" * 1_000_000):
            for name in ("carl", "unknown"):
                assert (await login(server, name, password))[0] == "unauthorized"
                ((_, length),) = work.take()
                assert length <= 257
        status, answer = await server.api("POST", "login", {"name": "carl", "password": "p" * 5000})
        assert (status, answer.error["code"]) == (400, "invalid")
        assert not work.take()


@pytest.mark.parametrize(
    "password",
    ["", "1234567", "p" * 257, "p" * 100_000, " " * 9, "password", "PassWord1", "Doradora"],
)
async def test_a_password_that_cannot_be_set_is_not_hashed(chat, work, password):
    async with chat() as server:
        accounts = server.server.services.accounts
        user = await accounts.add("dora", "a pass phrase", "member")
        work.take()
        for setting in (
            accounts.add("dor", password, "member"),
            server.server.services.credentials.set_password(user, password),
        ):
            with pytest.raises(Reject) as refusal:
                await setting
            assert (refusal.value.code, refusal.value.field) == ("invalid", "password")
        assert not work.take()
        assert await login(server, "dora", "a pass phrase") is None


async def test_guesses_at_one_account_are_slowed_down_from_wherever_they_come(chat, work):
    async with chat() as server:
        accounts = server.server.services.accounts
        await accounts.add("carl", PASSWORD, "member")
        await accounts.add("dora", PASSWORD, "member")
        work.take()

        async def attempt(name, password, address):
            try:
                await server.server.services.credentials.with_password(name, password, Request(address))
            except Reject as refusal:
                return refusal.code
            return "in"

        codes = [await attempt("carl", "wrong horse", f"192.0.2.{n}") for n in range(FREE_GUESSES + 2)]
        assert codes == ["unauthorized"] * FREE_GUESSES + ["rate_limited"] * 2
        # What is refused is not worked on, whatever the spelling of the name; others are not concerned.
        assert len(work.take()) == FREE_GUESSES
        assert await attempt("CARL", PASSWORD, "192.0.2.99") == "rate_limited"
        assert await attempt("dora", PASSWORD, "192.0.2.99") == "in"
        # An address that guesses at many names; a /64 is one address.
        codes = [
            await attempt(f"name{n}", "wrong horse", f"2001:db8::{n:x}")
            for n in range(FREE_FROM_ONE_ADDRESS + 1)
        ]
        assert codes == ["unauthorized"] * FREE_FROM_ONE_ADDRESS + ["rate_limited"]
        assert await attempt("dora", PASSWORD, "2001:db8::ffff:1") == "rate_limited"
        assert await attempt("dora", PASSWORD, "2001:db8:0:1::1") == "in"


async def test_a_password_is_the_same_however_its_letters_are_composed(chat):
    async with chat() as server:
        accounts = server.server.services.accounts
        await accounts.add("carl", "cafe\u0301 au lait", "member")
        assert await login(server, "carl", "café au lait") is None
        assert await login(server, "carl", "cafe\u0301 au lait") is None
        # One from before passwords were composed.
        old = PasswordHasher(memory_cost=1024).hash("cafe\u0301 creme")
        carl = await accounts.find("carl")
        await server.server.services.store.write(lambda conn: people.set_password_hash(conn, carl.id, old))
        assert await login(server, "carl", "cafe\u0301 creme") is None


# Races


@pytest.mark.parametrize("storage", ["memory", "file"])
async def test_of_many_who_want_a_name_at_once_one_gets_it(chat, on_file, storage):
    async with chat(settings=on_file if storage == "file" else None) as server:
        accounts = server.server.services.accounts
        spellings = ["carl", "CARL", "сarl", "carl", "carI", "Carl"]
        made = await asyncio.gather(
            *(accounts.guest(name) for name in spellings),
            *(accounts.add(name, PASSWORD, "member") for name in spellings[:2]),
            return_exceptions=True,
        )
        refusals = [each for each in made if isinstance(each, Reject)]
        assert len(refusals) == len(made) - 1
        assert {refusal.code for refusal in refusals} == {"name_taken"}
        assert (await accounts.find("carl")).name in spellings


async def test_of_many_who_want_the_name_of_one_who_is_gone_one_gets_it(chat, on_file, eventually):
    async with chat(settings=on_file, timeouts={"name_grace": 0.0}) as server:
        carl = await server.client("carl")
        await carl.leave()
        await eventually(lambda: not server.server.services.presence.is_here(carl.id))
        made = await asyncio.gather(
            *(server.server.services.accounts.guest("carl") for _ in range(5)), return_exceptions=True
        )
        users = [each[0] for each in made if not isinstance(each, BaseException)]
        # Each may find the one before it gone already, as none of them is connected; one of them holds the name.
        holder = await server.server.services.accounts.find("carl")
        assert holder.id in [user.id for user in users]
        assert all(each.code == "name_taken" for each in made if isinstance(each, BaseException))
        assert (await server.server.services.accounts.find(carl.id)).id == carl.id


async def test_over_http_an_old_token_takes_no_name_from_its_holder(chat):
    async with chat(timeouts={"name_grace": 0.0}) as server:

        async def guest() -> str:
            answer = await server.http("POST", "/api/v1/guest", {"name": "flip"})
            return json.loads(answer.body)["token"]

        async def ask(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            path = "/api/v1/rooms/general/messages"
            return (await server.http("POST", path, {"content": "hello"}, headers=headers)).code

        old, new = await guest(), await guest()
        assert [await ask(token) for token in (old, new, old, new)] == [409, 201, 409, 201]


# The throttle


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def waits(throttle: LoginThrottle, key: str, free: int = 3) -> float:
    try:
        throttle.refuse_hammering(key, free)
    except Reject as refusal:
        return refusal.retry_after if refusal.code == "rate_limited" else -1
    return 0


def test_each_failure_beyond_the_free_ones_takes_a_longer_wait():
    clock = Clock()
    throttle = LoginThrottle(clock)
    for _ in range(3):
        assert waits(throttle, "a") == 0
        throttle.failed("a", "b")
    waited = []
    for _ in range(8):
        waited.append(waits(throttle, "a"))
        clock.now += waited[-1] - 0.5
        assert waits(throttle, "a") == pytest.approx(0.5)
        clock.now += 0.5
        assert waits(throttle, "a") == 0
        throttle.failed("a")
    assert waited == [min(SHORTEST_WAIT * 2**n, LONGEST_WAIT) for n in range(8)]
    assert waits(throttle, "b") == 0
    assert waits(throttle, "b", free=30) == 0
    # After a rest it begins anew.
    clock.now += REST_SECONDS
    throttle.failed("a")
    assert waits(throttle, "a") == 0


def test_those_who_wait_are_not_forgotten_in_a_crowd():
    clock = Clock()
    throttle = LoginThrottle(clock)
    throttle.failed("old")
    clock.now += REST_SECONDS
    for _ in range(3):
        throttle.failed("guesser")
    for n in range(MOST_KEYS + 5):
        throttle.failed(f"key {n}")
    assert waits(throttle, "guesser") > 0
    # The rest was let go.
    for _ in range(2):
        throttle.failed("old")
    assert waits(throttle, "old") == 0
