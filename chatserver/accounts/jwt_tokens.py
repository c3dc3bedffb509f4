"""JSON Web Tokens (RFC 7519): those that this server signs, and those of the issuers that the settings name.

Whatever is wrong with one, it is refused in the same way. A key decides which algorithms its tokens may have, never the
token.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from ..config import JwtIssuer
from ..model.audit import AuditEntry
from ..model.errors import ConfigError, Reject
from ..model.values import User
from ..store import Connection, Store, audit
from ..store import tokens as kept_tokens
from ..store.rows import pack
from ..store.tokens import NewToken, TokenFacts
from .signing_keys import MOST_SECONDS, SigningKeys
from .tokens import token_hash

AUDIENCE = "chatserver"
ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "OKP": ("EdDSA",),
    "EC": ("ES256", "ES384", "ES512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "oct": ("HS256", "HS384", "HS512"),
}
"""By the type of the key."""
LEEWAY_SECONDS = 60
REQUIRED = ["iss", "aud", "exp", "sub"]


class Arrived(msgspec.Struct, frozen=True):
    """Who comes with a token of another issuer: who vouches, for whom, what they are called there, and until when."""

    issuer: str
    subject: str
    name: str
    expires: float = 0.0


class JwtTokens:
    """Signs and checks. ``address`` is what this server is called as an issuer."""

    def __init__(
        self,
        store: Store,
        keys: SigningKeys,
        address: str,
        issuers: tuple[JwtIssuer, ...],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._keys = keys
        self._address = address
        self._clock = clock
        self.signed: Callable[[], Awaitable[None]] | None = None
        """Lets other servers have the key that has just signed."""
        self._issuers = {each.issuer: (each, _keys_of(each, at)) for at, each in enumerate(issuers)}

    async def issue(
        self, user: User, seconds: float, scopes: list[str], audience: str, noted: AuditEntry
    ) -> str:
        """A token for ``user`` that lives so long, limited to ``scopes``. It is kept, so that it can be ended, with
        what the audit log says of it."""
        import jwt

        key, now, jti = self._keys.newest(), self._clock(), secrets.token_urlsafe(16)
        ends = int(now + min(seconds, MOST_SECONDS))
        claims = {
            "iss": self._address,
            "aud": audience,
            "sub": user.id,
            "iat": int(now),
            "nbf": int(now),
            "exp": ends,
            "jti": jti,
            "scope": " ".join(scopes),
        }
        kept = NewToken(
            hash=token_hash(jti),
            user_id=user.id,
            kind="jwt",
            created=now,
            expires=float(ends),
            name="JWT",
            scopes=pack(scopes),
        )

        def add(conn: Connection) -> None:
            kept_tokens.add(conn, kept)
            audit.record(conn, noted)

        await self._store.write(add)
        if self.signed is not None:
            await self.signed()
        return jwt.encode(claims, jwt.PyJWK(key.private()), headers={"kid": key.kid})

    def public_keys(self) -> dict[str, Any]:
        """The set of public keys with which others check this server's tokens (RFC 7517)."""
        return {"keys": [key.public() for key in self._keys.good()]}

    async def own(self, token: str) -> TokenFacts | None:
        """What a token of this server says; None for one that isn't good, was ended, or is another's."""
        keys = [key.public() for key in self._keys.good()]
        claims = _claims(token, keys, self._address, AUDIENCE, ("jti",)) if keys else None
        if claims is None:
            return None
        hashed, now = token_hash(str(claims["jti"])), self._clock()

        def read(conn: Connection) -> TokenFacts | None:
            return kept_tokens.facts(conn, hashed, now)

        found = await self._store.read(read)
        return found if found is not None and found.user.id == claims["sub"] else None

    def arrived(self, token: str) -> Arrived | None:
        """Who comes with a token of an issuer that the settings name; None for one that isn't good."""
        import jwt

        try:
            said = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.InvalidTokenError, ValueError):
            return None
        if not isinstance(said, str) or said not in self._issuers:
            return None
        issuer, keys = self._issuers[said]
        claims = _claims(token, keys, issuer.issuer, issuer.audience, ())
        if claims is None:
            return None
        name = claims.get(issuer.name_claim)
        shown = name if isinstance(name, str) else str(claims["sub"])
        return Arrived(said, str(claims["sub"]), shown, float(claims["exp"]))


def looks_like_jwt(token: str) -> bool:
    """Whether it has the three parts of one; tokens of another kind have none."""
    return token.count(".") == 2


def _claims(
    token: str, keys: list[dict[str, Any]], issuer: str, audience: str, required: tuple[str, ...]
) -> dict[str, Any] | None:
    """The claims of a token that one of the keys has signed for this audience; None if none has, or it isn't good."""
    import jwt

    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return None
    kid, algorithm = header.get("kid"), header.get("alg")
    for key in keys:
        if algorithm not in _algorithms(key) or (kid is not None and key.get("kid", kid) != kid):
            continue
        try:
            return jwt.decode(
                token,
                jwt.PyJWK(key, algorithm=algorithm),
                algorithms=[algorithm],
                audience=audience,
                issuer=issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": [*REQUIRED, *required]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return None


def _algorithms(key: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that a key may have signed with."""
    return (key["alg"],) if "alg" in key else ALGORITHMS[key["kty"]]


def _keys_of(issuer: JwtIssuer, position: int) -> list[dict[str, Any]]:
    """The keys in an issuer's file: a PEM public key, a JSON Web Key or a set of them. Raises ConfigError."""
    path = f"auth.jwt_issuers[{position}].keys"
    try:
        text = issuer.keys.read_text(encoding="utf-8")
        keys = [_of_pem(text)] if "-----BEGIN" in text else _of_json(text)
    except (OSError, ValueError, TypeError, AttributeError, UnicodeError, Reject) as error:
        raise ConfigError(f"no keys can be read from {issuer.keys}: {error}", path=path) from error
    if not keys:
        raise ConfigError(f"there is no key in {issuer.keys}", path=path)
    return keys


def _of_json(text: str) -> list[dict[str, Any]]:
    import jwt

    found = msgspec.json.decode(text)
    keys: list[dict[str, Any]] = found.get("keys", [found])
    for key in keys:
        if key.get("kty") not in ALGORITHMS:
            raise ValueError(f"kty is {key.get('kty')!r}, not one of {', '.join(ALGORITHMS)}")
        if key.get("alg", ALGORITHMS[key["kty"]][0]) not in ALGORITHMS[key["kty"]]:
            raise ValueError(f"alg {key['alg']!r} is none for a key of the type {key['kty']}")
        if key["kty"] == "oct" and len(key.get("k", "")) < 43:
            raise ValueError("a secret has at least 32 bytes")
        try:
            jwt.PyJWK(key)
        except jwt.PyJWTError as error:
            raise ValueError(str(error)) from error
    return keys


def _of_pem(text: str) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    key = load_pem_public_key(text.encode())
    if isinstance(key, ed25519.Ed25519PublicKey):
        return OKPAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    raise ValueError("a public key is Ed25519, RSA or of an elliptic curve")
