"""Passwords: argon2id off the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# Verified against when there is no such user, so that both answers take the same work.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$Iag6cjQ3VCnBXvsFHW7PKUQeaZCtWQGHwE2FGXLVPps"


async def hash_password(password: str) -> str:
    """The encoded argon2id hash."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password: str, encoded: str | None) -> bool:
    """Whether the password fits; without a hash the same work is done and the answer is no."""

    def check() -> bool:
        try:
            return _hasher.verify(encoded or _NOBODY, password) and encoded is not None
        except (VerificationError, InvalidHashError):
            return False

    return await asyncio.to_thread(check)
