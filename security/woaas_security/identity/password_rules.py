"""Which passwords are taken. Length counts, composition does not (NIST SP 800-63B §3.1.1.2)."""

import asyncio
from collections.abc import Sequence

from woaas_core.wire import invalid

MIN_LENGTH = 12
MAX_LENGTH = 256
# zxcvbn's score of what takes under 10^8 guesses: the commonest ones, keyboard runs, repetitions, own names.
_TOO_COMMON = 2
# Its search is quadratic; what is not in so many characters is not in the rest.
_JUDGED = 64


async def check_password(password: str, *, about: Sequence[str], pointer: str = "/password") -> None:
    """Refuse what is guessed first; ``about`` are words that belong to its owner.

    Raises:
        Invalid: too short, too long or too common.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(pointer, "invalid", f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if await asyncio.to_thread(_score, password[:_JUDGED], about) < _TOO_COMMON:
        raise invalid(pointer, "invalid", "This password is among the first that are guessed; choose another.")


def _score(password: str, about: Sequence[str]) -> int:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - its word lists take 0.2 s and are rarely needed

    words = [part for text in about for part in text.replace("@", " ").replace(".", " ").split()]
    return int(zxcvbn(password, user_inputs=[*about, *words])["score"])
