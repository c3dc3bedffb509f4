"""The codes themselves: secrets, what an app shows, recovery codes."""

from __future__ import annotations

import hmac
import secrets

import pyotp
import segno

STEP_SECONDS = 30
RECOVERY_CODES = 10
# Without what is easily taken for something else.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """160 bits in base 32, as apps take them."""
    return str(pyotp.random_base32())


def code_of(secret: str) -> pyotp.TOTP:
    """What makes the codes of a secret."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS)


def matching_step(secret: str, code: str, now: float, last_step: int) -> int | None:
    """The step of time of which this is the code, of now or a step beside it, later than the last that was used."""
    digits, here = plain(code), int(now // STEP_SECONDS)
    for step in (here, here - 1, here + 1):
        right = code_of(secret).generate_otp(step)
        if step > last_step and hmac.compare_digest(right.encode(), digits.encode()):
            return step
    return None


def plain(code: str) -> str:
    """A code as it is compared: without spaces and dashes, in lower case."""
    return "".join(code.split()).replace("-", "").lower()


def new_recovery_codes() -> list[str]:
    """Codes that are good once each."""
    return ["-".join(_letters(5) for _ in range(2)) for _ in range(RECOVERY_CODES)]


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def picture(uri: str) -> str:
    """The address as a QR code, in a data URI."""
    return str(segno.make(uri, micro=False).png_data_uri(scale=5, border=3))
