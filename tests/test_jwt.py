"""JSON Web Tokens: the server's own, those of issuers in the settings, and all that is none."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatserver.accounts.signing_keys import MOST_SECONDS, ROTATE_SECONDS, SigningKeys
from chatserver.model.errors import ConfigError
from chatserver.testing import Refused

SITE = "https://site.example"
KEY = ed25519.Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SECRET = "s" * 32
SECRET_JWK = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")}


def issued_by(tmp_path, text: bytes | str, **more) -> dict:
    file = tmp_path / "site.keys"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"auth": {"jwt_issuers": [{"issuer": SITE, "audience": "chat", "keys": str(file), **more}]}}


def claims(**changes) -> dict:
    now = int(time.time())
    wanted = {
        "iss": SITE, "aud": "chat", "sub": "42", "preferred_username": "ann", "iat": now, "nbf": now, "exp": now + 60,
    }  # fmt: skip
    return {key: value for key, value in {**wanted, **changes}.items() if value is not None}


def signed(key=KEY, algorithm="EdDSA", headers=None, **changes) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


async def who(server, token: str):
    status, answer = await server.api("GET", "me", token=token)
    return answer.user if status == 200 else answer.error["code"]


def raw(header: dict, payload: dict, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


# Of another site


async def test_a_site_sends_its_users_in(chat, tmp_path):
    async with chat(settings=issued_by(tmp_path, PEM)) as server:
        ann = await who(server, signed())
        assert (ann["name"], ann["role"]) == ("ann", "member")
        # The subject counts, not the name.
        assert await who(server, signed(preferred_username="root")) == ann
        other = await who(server, signed(sub="43"))
        assert (other["name"], other["id"] != ann["id"]) == ("ann_2", True)
        program = await server.client(token=signed())
        assert program.id == ann["id"]
        status, login = await server.api("POST", "login/jwt", {"token": signed()})
        assert (status, login.user) == (200, ann)
        assert await who(server, login.token) == ann
        assert (await server.api("GET", "sessions", token=login.token))[1].sessions[0]["current"]


async def test_a_name_there_opens_no_account_here(chat, tmp_path):
    async with chat(settings=issued_by(tmp_path, PEM), accounts={"root": "admin"}) as server:
        for subject, name, called in (
            ("1", "root", "root_2"), ("2", "admin", "user_"), ("3", "Ann Smith", "Ann_Smith"), ("4", "\u202e", "user_"),
            ("5", None, "5"), ("6", 7, "6"), ("7", "x" * 400, "x" * 32), ("8", "", "user_"),
        ):  # fmt: skip
            user = await who(server, signed(sub=subject, preferred_username=name))
            assert user["name"].startswith(called), (name, user)
            assert user["role"] == "member"


async def test_an_admin_shuts_them_out_and_sees_them(chat, tmp_path):
    async with chat(settings=issued_by(tmp_path, PEM), accounts={"root": "admin"}) as server:
        root = await server.client("root")
        ann = await who(server, signed())
        client = await server.client(token=signed())
        listed = (await server.api("GET", "accounts", token=root.token))[1].accounts
        assert [each["name"] for each in listed] == ["ann", "root"]
        await server.api("PATCH", f"accounts/{ann['id']}", {"state": "disabled"}, token=root.token)
        assert await client.closed() == 4003
        assert await who(server, signed()) == "unauthorized"
        status, answer = await server.api("POST", "login/jwt", {"token": signed()})
        assert (status, answer.error["code"]) == (401, "unauthorized")


async def test_whatever_is_wrong_with_a_token_it_is_refused_alike(chat, tmp_path):
    other = ed25519.Ed25519PrivateKey.generate()
    hour = 3600
    now = int(time.time())
    good = signed()
    head, body, signature = good.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims(sub="1")).encode()).decode().rstrip("=")
    async with chat(settings=issued_by(tmp_path, PEM), accounts={"root": "admin"}) as server:
        wrong = {
            "another key": signed(other),
            "another issuer": signed(iss="https://evil.example"),
            "another audience": signed(aud="mail"),
            "no audience": signed(aud=None),
            "no issuer": signed(iss=None),
            "no end": signed(exp=None),
            "no subject": signed(sub=None),
            "ended an hour ago": signed(exp=now - hour),
            "from an hour later": signed(nbf=now + hour, exp=now + 2 * hour),
            "issued an hour later": signed(iat=now + hour, nbf=None, exp=now + 2 * hour),
            "no algorithm": raw({"alg": "none"}, claims()),
            "No algorithm": raw({"alg": "None", "typ": "JWT"}, claims(), b"x"),
            "the public key as a secret": raw_hmac(PEM),
            "changed": f"{head}.{forged}.{signature}",
            "no signature": f"{head}.{body}.",
            "another kid": signed(headers={"kid": "x" * 5000})[:4000],
            "no JSON": "a.b.c",
            "empty": "..",
            "nested": raw(
                {"alg": "EdDSA", "jku": "https://evil.example/keys", "jwk": {"kty": "oct"}}, claims()
            ),
            "a list": raw({"alg": "EdDSA"}, [1]),
            "binary": "\x00.\xff.\x00".encode().hex(),
        }
        for what, token in wrong.items():
            status, answer = await server.api("GET", "me", token=token)
            assert (status, answer.error["code"]) == (401, "unauthorized"), what
            client = await server.connect()
            with pytest.raises(Refused) as caught:
                await client.ask("hello", token=token)
            assert caught.value.code == "unauthorized", what
            status, answer = await server.api("POST", "login/jwt", {"token": token})
            assert (status, answer.error["code"]) == (401, "unauthorized"), what
        # None of them has made an account.
        assert len(await server.services.store.read(lambda conn: list(_users(conn)))) == 1


def _users(conn):
    from chatserver.store.accounts import accounts

    return accounts(conn)


def raw_hmac(secret: bytes) -> str:
    """Signed with HMAC and the public key as the secret, as an attacker would."""
    import hashlib
    import hmac

    unsigned = raw({"alg": "HS256", "typ": "JWT"}, claims()).rpartition(".")[0]
    made = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


async def test_keys_may_be_of_other_kinds(chat, tmp_path):
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ours = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key()))
    for text, good, bad in (
        (pem, signed(rsa_key, "RS256"), signed(SECRET, "HS256")),
        (json.dumps(SECRET_JWK), signed(SECRET, "HS256"), signed(rsa_key, "RS256")),
        (json.dumps({"keys": [{**ours, "kid": "a"}, {**SECRET_JWK, "kid": "b"}]}), signed(headers={"kid": "a"}),
         signed(headers={"kid": "b"})),
    ):  # fmt: skip
        async with chat(settings=issued_by(tmp_path, text)) as server:
            assert (await who(server, good))["name"] == "ann"
            assert await who(server, bad) == "unauthorized"


@pytest.mark.parametrize("text", [
    "", "nothing", "{}", '{"keys": []}', "[]", '{"kty": "oct", "k": "c2hvcnQ"}', '{"kty": "EC", "alg": "HS256"}',
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\xff\xfe",
])  # fmt: skip
async def test_a_file_without_keys_stops_the_start(chat, tmp_path, text):
    with pytest.raises(ConfigError, match=r"auth.jwt_issuers\[0\].keys"):
        async with chat(settings=issued_by(tmp_path, text)):
            pass


# Our own


async def test_a_token_that_the_server_has_signed(chat):
    async with chat(
        plugins=["basics"], settings={"server": {"public_url": "https://chat.example"}}
    ) as server:
        ann = await server.account("ann")
        status, made = await server.api("POST", "tokens/jwt", {}, token=ann.token)
        assert status == 201
        keys = jwt.PyJWKSet.from_dict((await server.api("GET", "jwks"))[1])
        assert "d" not in (await server.api("GET", "jwks"))[1]["keys"][0]
        # As another service checks it.
        said = jwt.decode(
            made.token, keys[jwt.get_unverified_header(made.token)["kid"]], algorithms=["EdDSA"],
            audience="chatserver", issuer="https://chat.example", options={"require": ["exp", "nbf", "jti", "sub"]},
        )  # fmt: skip
        assert said["sub"] == ann.id
        assert said["exp"] - said["iat"] == 3600
        program = await server.client(token=made.token)
        assert program.id == ann.id
        await program.join("general")
        await program.says("hello")
        assert (await server.api("GET", "sessions", token=made.token))[0] == 403
        # Ended, though it is signed and not out of date.
        (listed,) = (await server.api("GET", "tokens", token=ann.token))[1].tokens
        assert (await server.api("DELETE", f"tokens/{listed['id']}", token=ann.token))[0] == 200
        assert await program.closed() == 4003
        assert await who(server, made.token) == "unauthorized"


async def test_a_signed_token_has_scopes_and_an_audience(chat, clock):
    async with chat(clock=clock) as server:
        ann, gus = await server.account("ann"), await server.client("gus")
        _, reads = await server.api(
            "POST", "tokens/jwt", {"scopes": ["messages.read"], "seconds": 60}, token=ann.token
        )
        assert (await server.api("GET", "rooms", token=reads.token))[0] == 200
        assert (await server.api("POST", "rooms/general/messages", {"content": "x"}, token=reads.token))[
            0
        ] == 403
        _, other = await server.api("POST", "tokens/jwt", {"audience": "mail"}, token=ann.token)
        assert await who(server, other.token) == "unauthorized"
        assert (await server.api("POST", "tokens/jwt", {}, token=gus.token))[0] == 403
        assert (await server.api("POST", "tokens/jwt", {}, token=reads.token))[0] == 403
        for bad in ({"seconds": 59}, {"seconds": 10**9}, {"seconds": "60"}, {"scopes": ["fly"]}, {"audience": ""},
                    {"more": 1}):  # fmt: skip
            assert (await server.api("POST", "tokens/jwt", bad, token=ann.token))[0] == 400, bad
        program = await server.client(token=reads.token)
        clock.seconds = 200
        assert await program.closed() == 4003
        assert await who(server, reads.token) == "unauthorized"


async def test_a_token_outlives_a_restart(chat, on_file):
    async with chat(settings=on_file) as server:
        ann = await server.account("ann")
        _, made = await server.api("POST", "tokens/jwt", {}, token=ann.token)
        await server.restart()
        assert (await who(server, made.token))["name"] == "ann"


def test_keys_are_rotated_with_overlap(tmp_path):
    now = [0.0]
    file = tmp_path / "keys.json"
    keys = SigningKeys(file, lambda: now[0])
    first = keys.newest()
    assert file.stat().st_mode & 0o777 == 0o600
    now[0] = ROTATE_SECONDS - 1
    assert keys.newest() == first
    now[0] = ROTATE_SECONDS
    second = keys.newest()
    assert second != first
    # A token of the last moment is good for as long as it may live.
    now[0] = ROTATE_SECONDS + MOST_SECONDS - 1
    assert SigningKeys(file, lambda: now[0]).good() == keys.good() == (second, first)
    now[0] += 2
    assert keys.good() == (second,)


async def test_signing_out_ends_a_signed_token_and_no_token_of_a_program(chat):
    async with chat() as server:
        ann = await server.account("ann")
        _, made = await server.api("POST", "tokens/jwt", {}, token=ann.token)
        program = await server.client(token=made.token)
        assert (await server.api("POST", "logout", token=made.token))[0] == 200
        assert await program.closed() == 4003
        assert await who(server, made.token) == "unauthorized"
        assert (await server.api("GET", "tokens", token=ann.token))[1].tokens == []
        _, kept = await server.api(
            "POST", "tokens", {"name": "bot", "scopes": ["messages.read"]}, token=ann.token
        )
        assert (await server.api("POST", "logout", token=kept.token))[0] == 403
        assert (await who(server, kept.token))["name"] == (await who(server, ann.token))["name"] == "ann"


def test_two_processes_with_one_file_have_the_same_keys(tmp_path):
    now = [1000.0]
    one, two = (SigningKeys(tmp_path / "keys.json", lambda: now[0]) for _ in range(2))
    assert two.good() == ()
    first = one.newest()
    assert two.newest() == first
    now[0] += ROTATE_SECONDS + 1
    second = two.newest()
    assert second != first
    assert one.newest() == second
    assert one.good() == two.good() == (second, first)
