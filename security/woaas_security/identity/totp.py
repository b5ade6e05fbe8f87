"""Time-based one-time passwords (RFC 6238) and the recovery codes beside them. Pure."""

import hmac
import secrets
from datetime import datetime

import pyotp

STEP_S = 30
_DRIFT = 1
_RECOVERY_CODES = 10
# Without letters and digits that are taken for each other.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 3, 4


def new_secret() -> str:
    """A shared secret of 160 bits, as authenticator apps take it."""
    return pyotp.random_base32()


def uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The time step whose code this is, one step off at most and later than ``after``; None where there is none."""
    typed = code.replace(" ", "")
    present = int(now.timestamp()) // STEP_S
    codes = pyotp.HOTP(secret)
    found = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        is_same = hmac.compare_digest(codes.at(step).encode(), typed.encode())
        found = step if is_same and step > after else found
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 59 bits each."""
    return ["-".join(_letters() for _ in range(_GROUPS)) for _ in range(_RECOVERY_CODES)]


def plain(code: str) -> str:
    """A recovery code as it is hashed, however it was typed."""
    return "".join(c for c in code.lower() if c in _ALPHABET)


def _letters() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))
