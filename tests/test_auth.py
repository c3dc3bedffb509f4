"""Who a user is: guests and their names, accounts, cookies, tokens, the first admin, the command line."""

from __future__ import annotations

import asyncio
import os
import re
import sys

import pytest
from argon2 import extract_parameters

from chatserver import Reject, Request
from chatserver.accounts.credentials import FREE_GUESSES
from chatserver.accounts.sign_in_queue import MOST_PER_KEY
from chatserver.store import accounts as people
from chatserver.testing import Refused


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


def cookie_of(answer) -> str:
    """The session cookie of an answer, as a browser would send it back."""
    lines = answer.headers.get_list("Set-Cookie")
    (line,) = [line for line in lines if line.startswith("chat_session=")]
    return line.split(";")[0]


def xsrf_of(answer) -> tuple[str, str]:
    """The XSRF cookie that came with the session's, and the header's value."""
    (line,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith("_xsrf=")]
    pair = line.split(";")[0]
    return pair, pair.partition("=")[2]


# hello


@pytest.mark.transport
async def test_what_welcome_carries(chat):
    async with chat(plugins=["basics"]) as server:
        alice = await server.client("alice", client="test/1")
        welcome = alice.welcome
        assert set(welcome) == {
            "type", "re", "user", "token", "epoch", "server", "limits", "heartbeat", "permissions", "commands",
            "plugins", "rooms", "blocked",
        }  # fmt: skip
        own = {"id": alice.id, "name": "alice", "display_name": "alice", "guest": True, "role": "guest"}
        assert welcome.user == own
        assert set(welcome.server) == {"name", "registration", "version", "client", "time"}
        assert welcome.limits == {"frame_bytes": 65536, "content_chars": 8000, "keep_days": 0}
        assert welcome.heartbeat == 25
        assert "help" in [c["name"] for c in welcome.commands]
        again = await server.client(token=alice.token)
        assert "token" not in again.welcome


@pytest.mark.transport
async def test_a_refused_hello_may_be_tried_again_and_a_second_is_refused(chat):
    async with chat() as server:
        await server.client("alice")
        client = await server.connect()
        assert (await refused(client.ask("hello"))).code == "unauthorized"
        assert (await refused(client.ask("hello", token="wrong"))).code == "unauthorized"
        assert (await refused(client.ask("hello", name="alice"))).code == "name_taken"
        await client.hello(name="bob")
        assert (await refused(client.ask("hello", name="carl"))).code == "bad_request"
        assert client.name == "bob"


async def test_without_guests_one_has_to_sign_in(chat):
    async with chat(settings={"auth": {"guests": False}}) as server:
        client = await server.connect()
        assert (await refused(client.ask("hello", name="bob"))).code == "unauthorized"
        status, answer = await server.api("POST", "guest", {"name": "bob"})
        assert (status, answer.error["code"]) == (401, "unauthorized")
        carl = await server.account("carl")
        assert carl.welcome.user["role"] == "member"


# Guests


async def test_a_guests_token_brings_the_same_person_back_over_restarts(chat, on_file):
    async with chat(settings=on_file) as server:
        alice = (await server.join("general", "alice"))[0]
        await server.restart()
        again = await server.client(token=alice.token)
        assert (again.id, again.name) == (alice.id, "alice")
        # The name is held for the one with the token, even if another is said with it.
        other = await server.client("alicia", token=alice.token)
        assert (other.id, other.name) == (alice.id, "alice")


async def test_the_name_of_a_guest_who_is_gone_is_free_and_the_id_stays(chat, eventually):
    async with chat(plugins=["history"], timeouts={"name_grace": 0}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        assert (await refused(server.client("alice"))).code == "name_taken"
        await alice.says("I was first")
        await alice.leave()
        await eventually(lambda: server.services.presence.online() == 1)
        second = (await server.join("general", "alice"))[0]
        assert second.id != alice.id
        assert (await refused(server.client(token=alice.token))).code == "name_taken"
        assert (await refused(server.client("alice", token=alice.token))).code == "name_taken"
        back = await server.client("alicia", token=alice.token)
        assert (back.id, back.name) == (alice.id, "alicia")
        members = (await bob.ask("members", room="general")).members
        assert sorted(m["user"]["name"] for m in members) == ["alice", "alicia", "bob"]
        await bob.says("@alicia @alice")
        assert (await back.hears("mention")).seq == (await second.hears("mention")).seq


async def test_a_reload_keeps_the_name(chat):
    async with chat(timeouts={"name_grace": 0, "presence_grace": 5.0}) as server:
        alice = await server.client("alice")
        await alice.leave()
        assert (await refused(server.client("alice"))).code == "name_taken"
        assert (await server.client(token=alice.token)).id == alice.id


async def test_an_accounts_name_is_never_free(chat):
    async with chat() as server:
        await server.services.accounts.add("Carla", "correct horse", "member")
        for name in ("Carla", "carla", "CARLA", "carIa", "сarla"):
            assert (await refused(server.client(name))).code == "name_taken"


async def test_guest_tokens_end(chat, clock):
    async with chat(clock=clock) as server:
        alice = await server.client("alice")
        clock.days = 6.5
        assert (await server.client(token=alice.token)).id == alice.id
        # Coming back has made it last longer.
        clock.days = 13
        assert (await server.client(token=alice.token)).id == alice.id
        clock.days = 21
        assert (await refused(server.client(token=alice.token))).code == "unauthorized"


# Accounts and sessions


async def test_signing_in_and_out(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", "correct horse", "member")
        answer = await server.http("POST", "/api/v1/login", {"name": "CARL", "password": "correct horse"})
        assert answer.code == 200
        (cookie,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith("chat_session=")]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        status, login = await server.api("POST", "login", {"name": "carl", "password": "correct horse"})
        assert login.user["role"] == "member"
        status, me = await server.api("GET", "me", token=login.token)
        assert (status, me.user) == (200, login.user)
        carl, other = await server.client(token=login.token), await server.account("dora")
        assert (await server.api("POST", "logout", token=login.token))[0] == 200
        assert await carl.closed() == 4003
        assert (await server.api("GET", "me", token=login.token))[0] == 401
        assert await other.ask("ping")


VOUCHES = """
from chatserver import Plugin, hookimpl

class Vouches(Plugin):
    @hookimpl
    async def authenticate(self, request):
        name = request.headers.get("x-user")
        return await self.chat.user(name) if name else None
"""


async def test_whom_a_plugin_names_goes_before_any_token(chat, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/vouches.py").write_text(VOUCHES)
    async with chat(plugins=["vouches"], dirs=[tmp_path / "own"]) as server:
        ada, mia = await server.account("ada"), await server.account("mia")
        named = {"X-User": "ada"}
        for path in ("me", "server"):
            for token in (None, mia.token):
                status, answer = await server.api("GET", path, token=token, headers=named)
                assert (status, answer.user["id"]) == (200, ada.id)
        client = await server.connect(headers=named)
        await client.hello(token=mia.token)
        assert client.id == ada.id
        assert client.welcome.get("token") is None
        # Where it names no one, the token does.
        assert (await server.api("GET", "me", token=mia.token))[1].user["id"] == mia.id
        assert (await server.api("GET", "me"))[0] == 401


async def test_a_wrong_password_and_an_unknown_name_look_the_same(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", "correct horse", "member")
        answers = [
            await server.api("POST", "login", {"name": name, "password": "wrong horse"})
            for name in ("carl", "nobody")
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 401


async def test_hammering_is_slowed_down_though_all_come_at_once(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", "right horse", "member")
        guess = {"name": "carl", "password": "wrong horse"}
        codes: list[int] = []
        while codes.count(401) < FREE_GUESSES:
            made = await asyncio.gather(*(server.api("POST", "login", guess) for _ in range(8)))
            assert {status for status, _ in made} <= {401, 429}
            assert 0 < [status for status, _ in made].count(401) <= 8
            codes += [status for status, _ in made]
        assert codes.count(401) == FREE_GUESSES
        late = await server.http("POST", "/api/v1/login", {"name": "carl", "password": "right horse"})
        assert late.code == 429
        assert int(late.headers["Retry-After"]) > 10


async def test_few_sign_ins_from_one_place_are_worked_on_at_once(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", "right horse", "member")
        right = {"name": "carl", "password": "right horse"}
        made = await asyncio.gather(*(server.api("POST", "login", right) for _ in range(20)))
        statuses = [status for status, _ in made]
        assert statuses.count(200) >= MOST_PER_KEY
        assert {answer.error["retry_after"] for status, answer in made if status == 429} <= {2}
        assert set(statuses) <= {200, 429}
        assert (await server.api("POST", "login", right))[0] == 200


async def test_a_password_is_hashed_anew_once_the_settings_ask_for_another_cost(chat, on_file):
    async def cost(server):
        user = await server.services.accounts.find("carl")
        stored = await server.services.store.read(lambda conn: people.password_hash(conn, user.id))
        return extract_parameters(stored).memory_cost

    login = {"name": "carl", "password": "right horse"}
    async with chat(settings=on_file) as server:
        carl = await server.account("carl", password="right horse")
        assert await cost(server) == 1024
    async with chat(settings={**on_file, "auth": {"password_memory_mib": 2}}) as server:
        assert (await server.api("POST", "login", {**login, "password": "wrong horse"}))[0] == 401
        assert await cost(server) == 1024
        assert (await server.api("POST", "login", login))[0] == 200
        assert await cost(server) == 2048
        assert (await server.api("POST", "login", login))[0] == 200
        # Nothing has changed for the sessions.
        assert (await server.client(token=carl.token)).id == carl.id


# Cookies and origins


async def test_a_cookie_counts_only_for_pages(chat):
    async with chat() as server:
        answer = await server.http("POST", "/api/v1/guest", {"name": "alice"})
        cookie = cookie_of(answer)
        page = await server.connect(origin=server.url, headers={"Cookie": cookie})
        await page.hello()
        assert page.name == "alice"
        program = await server.connect(headers={"Cookie": cookie})
        assert (await refused(program.ask("hello"))).code == "unauthorized"


@pytest.mark.transport
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_origin_is_refused_at_the_handshake(chat, raw, origin):
    async with chat() as server, raw(server) as socket:
        head = await socket.upgrade("/ws", f"Origin: {origin}")
        assert head.startswith("HTTP/1.1 403 ")
        _, stats = await server.api("GET", "stats")
        assert stats.connections == 0


@pytest.mark.transport
async def test_allowed_origins_may_connect(chat, raw):
    settings = {
        "server": {"public_url": "https://chat.example", "allowed_origins": ["https://intra.example"]}
    }
    async with chat(settings=settings) as server:
        for origin, status in (("https://chat.example", 101), ("https://intra.example", 101),
                               ("https://chat.example.evil", 403)):  # fmt: skip
            async with raw(server) as socket:
                assert f" {status} " in await socket.upgrade("/ws", f"Origin: {origin}")


async def test_what_a_cookie_does_needs_the_xsrf_header(chat):
    async with chat() as server:
        await server.services.accounts.add("carl", "correct horse", "moderator")
        answer = await server.http("POST", "/api/v1/login", {"name": "carl", "password": "correct horse"})
        session = cookie_of(answer)
        xsrf, value = xsrf_of(answer)
        # Bound to the session: that of another one doesn't do.
        _, other = xsrf_of(await server.http("POST", "/api/v1/guest", {"name": "bob"}))
        body = {"content": "hi"}
        path = "/api/v1/rooms/general/messages"
        for headers, status in (
            ({"Cookie": session}, 403),
            ({"Cookie": f"{session}; {xsrf}"}, 403),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": "2|wrong|wrong|1"}, 403),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": other}, 403),
            ({"Cookie": f"{session}; _xsrf={other}", "X-XSRFToken": other}, 403),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": value}, 201),
            ({"Cookie": session, "X-XSRFToken": value}, 201),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": value, "Origin": "https://evil.example"}, 403),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": value, "Sec-Fetch-Site": "cross-site"}, 403),
            ({"Cookie": f"{session}; {xsrf}", "X-XSRFToken": value, "Origin": server.url}, 201),
        ):
            assert (await server.http("POST", path, body, headers=headers)).code == status, headers
        # A token in the header can't be sent by a page of another site.
        token = session.partition("=")[2]
        assert (await server.http("POST", path, body, token=token)).code == 201


# The first admin


async def test_the_first_admins_link_works_once(chat):
    async with chat() as server:
        accounts = server.services.accounts
        token = await accounts.setup_token()
        form = {"token": token, "name": "root", "password": "correct horse"}
        for wrong, code in (
            ({**form, "token": "wrong"}, "unauthorized"), ({**form, "password": "short"}, "invalid"),
            ({**form, "name": "a b"}, "invalid"),
        ):  # fmt: skip
            _, answer = await server.api("POST", "setup", wrong)
            assert answer.error["code"] == code
        assert (await refused(server.client(token=token))).code == "unauthorized"
        made = await asyncio.gather(
            *(server.api("POST", "setup", {**form, "name": name}) for name in ("root", "other"))
        )
        assert sorted(status for status, _ in made) == [200, 401]
        (admin,) = [answer for status, answer in made if status == 200]
        assert admin.user["role"] == "admin"
        assert (await server.client(token=admin.token)).name == admin.user["name"]
        assert (await server.api("POST", "setup", {**form, "name": "third"}))[0] == 401
        assert await accounts.setup_token() is None


# Beside a running server


async def command(folder, *arguments):
    """The command line on the settings of a running server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", *arguments, "--config", str(folder / "config.yaml"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=os.environ,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, out.decode()


async def test_the_command_line_beside_a_running_server(chat, tmp_path, on_file):
    async with chat(settings=on_file, plugins=["moderation"]) as server:
        code, out = await command(tmp_path, "user", "add", "carl", "--password", "correct horse")
        assert (code, out) == (0, "carl was added as member.\n")
        _, login = await server.api("POST", "login", {"name": "carl", "password": "correct horse"})
        carl = await server.client(token=login.token)
        alice = await server.client("alice")
        for client in (carl, alice):
            await client.join("general")
        assert (await refused(carl.says("/kick alice"))).code == "forbidden"
        code, _ = await command(tmp_path, "user", "role", "carl", "moderator")
        assert code == 0
        code, out = await command(tmp_path, "user", "list")
        assert re.fullmatch(r"carl\s+moderator\n", out)
        await server.services.account_changes.apply()
        await carl.says("/kick alice")
        assert (await alice.hears("kicked")).by["name"] == "carl"
        code, _ = await command(tmp_path, "user", "passwd", "carl", "--password", "another horse")
        assert code == 0
        # The server looks by itself, once a second.
        assert await carl.closed() == 4003
        assert await alice.ask("ping")
        assert (await server.api("GET", "me", token=login.token))[0] == 401
        code, out = await command(tmp_path, "user", "role", "nobody", "admin")
        assert code == 1
        assert "nobody" in out
        assert "Traceback" not in out


async def test_an_account_added_with_a_guests_name_ends_the_guests_sessions(chat, tmp_path, on_file):
    async with chat(settings=on_file) as server:
        kim, alice = await server.join("general", "kim", "alice")
        code, _ = await command(tmp_path, "user", "add", "kim", "--password", "correct horse")
        assert code == 0
        # The server looks by itself, once a second.
        assert await kim.closed() == 4000
        assert (await refused(server.client(token=kim.token))).code == "name_taken"
        assert await alice.ask("ping")


async def test_guests_who_cannot_come_back_are_no_members_any_more(chat, on_file):
    async with chat(settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("from afar", to="bob")
        await alice.says("hello")
        services = server.services
        await alice.leave()
        await services.accounts.tokens.revoke(alice.token)
        await services.account_changes.clean_up()
        general = await services.rooms.get("general")
        assert set(general.members) == {bob.id}
        assert (await bob.ask("sync", room="general", after=0)).events[-1]["user"]["name"] == "alice"
        await server.restart()
        bob = await server.client(token=bob.token)
        members = {room["name"].partition(":")[0]: room["members"] for room in bob.welcome["rooms"]}
        assert members == {"general": 1, "dm": 2}


async def test_a_success_of_ones_own_does_not_let_one_go_on_guessing(chat):
    async with chat() as server:
        await server.account("admin", "admin")
        await server.account("mallory", password="my own password")
        codes = []
        for guess in range(FREE_GUESSES + 1):
            status, _ = await server.api("POST", "login", {"name": "admin", "password": f"guess {guess}"})
            codes.append(status)
            await server.api("POST", "login", {"name": "mallory", "password": "my own password"})
        assert codes == [401] * FREE_GUESSES + [429]


async def test_guesses_from_many_addresses_are_counted_by_account(chat):
    async with chat() as server:
        admin = await server.account("admin", "admin")
        credentials = server.services.credentials
        codes = []
        for n in range(FREE_GUESSES + 1):
            try:
                await credentials.with_password("admin", "guess", Request(f"203.0.113.{n}"))
            except Reject as refusal:
                codes.append(refusal.code)
        assert codes == ["unauthorized"] * FREE_GUESSES + ["rate_limited"]
        # The owner gets in with a browser, or from an address, that the account knows.
        asked = Request("198.51.100.1", admin.token)
        assert (await credentials.with_password("admin", "correct horse", asked)).id == admin.id
        await server.services.accounts.tokens.issue(await server.services.accounts.find("admin"), "session",
                                                    Request("198.51.100.7"))  # fmt: skip
        known = Request("198.51.100.7")
        assert (await credentials.with_password("admin", "correct horse", known)).id == admin.id
        with pytest.raises(Reject, match="Wait a while"):
            await credentials.with_password("admin", "correct horse", Request("198.51.100.8"))


async def test_the_cookie_lives_on_with_who_comes_back(chat):
    async with chat() as server:
        _, entered = await server.api("POST", "guest", {"name": "ann"})
        cookie = {"Cookie": f"chat_session={entered.token}"}
        for path in ("/", "/api/v1/me"):
            answer = await server.http("GET", path, headers=cookie)
            renewed = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith("chat_session=")]
            assert len(renewed) == 1, path
            assert entered.token in renewed[0]
        bearer = await server.http("GET", "/api/v1/me", token=entered.token)
        assert not [c for c in bearer.headers.get_list("Set-Cookie") if c.startswith("chat_session=")]


async def test_a_page_learns_who_is_signed_in_there(chat):
    async with chat() as server:
        assert (await server.api("GET", "server"))[1].user is None
        _, entered = await server.api("POST", "guest", {"name": "ann"})
        cookie = {"Cookie": f"chat_session={entered.token}"}
        _, told = await server.api("GET", "server", headers=cookie)
        assert told.user == entered.user
