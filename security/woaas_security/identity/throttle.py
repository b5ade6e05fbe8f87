"""Slowing guesses down: a delay that grows with each failure, by account and by network address.

Failures are counted in the database, so they hold in every process and over restarts. A browser that has signed in
before has a count of its own (OWASP's device cookie): who fails on purpose from elsewhere does not keep its owner out.
The delay is bounded, and nothing is counted while it lasts, so no account is ever closed for good.
"""

from typing import TYPE_CHECKING, NamedTuple

from woaas_core.db.statements import Statement
from woaas_core.errors import RateLimited
from woaas_security.identity.keyring import Keyring

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 30
MOST_DELAY_S = 900

_TURN = Statement.text("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", "name")
_BLOCKED = Statement.text(
    "SELECT ceil(extract(epoch FROM max(blocked_until) - $2))::int FROM sign_in_failures "
    "WHERE key = ANY($1) AND blocked_until > $2",
    "keys",
    "now",
)
_COUNT = Statement.text(
    """
    INSERT INTO sign_in_failures AS f (key, failures, failed_at, blocked_until)
    VALUES ($1::bytea, 1, $2::timestamptz, $2)
    ON CONFLICT (key) DO UPDATE SET (failures, failed_at, blocked_until) = (
      SELECT n, $2, $2::timestamptz + make_interval(secs =>
        CASE WHEN n < $3::int THEN 0 ELSE least($4::int, power(2, least(n - $3::int, 20))) END)
      FROM (SELECT CASE WHEN f.failed_at > $2::timestamptz - interval '1 day' THEN f.failures ELSE 0 END
        + 1 AS n) counted)
    """,
    "key",
    "now",
    "free",
    "most",
)
_CLEAR = Statement.text("DELETE FROM sign_in_failures WHERE key = $1", "key")
_FORGET = Statement.text("DELETE FROM sign_in_failures WHERE failed_at <= $1::timestamptz - interval '1 day'", "now")


class Counter(NamedTuple):
    """What failures are counted on, and how many of them cost no delay."""

    key: bytes
    free: int


class Counters(NamedTuple):
    """The counters of one attempt: of the account (or of its owner's browser) and of the address it comes from."""

    account: Counter
    address: Counter


def counters(keyring: Keyring, *, account: str, device: str = "", address: str) -> Counters:
    """The counters of an attempt; ``device`` is the verified mark of a browser that has signed in before, or empty."""
    return Counters(
        Counter(keyring.digest("throttle-account", f"{account}\n{device}"), FREE_PER_ACCOUNT),
        Counter(keyring.digest("throttle-address", address), FREE_PER_ADDRESS),
    )


async def check(uow: "UnitOfWork", of: Counters) -> None:
    """Let an attempt begin; until the transaction ends there is no second one on the same account.

    Raises:
        RateLimited: too soon after failures, or another attempt is under way.
    """
    if not await uow.value(_TURN, name=of.account.key.hex()):
        raise RateLimited(retry_after_s=1)
    wait_s = await uow.value(_BLOCKED, keys=[one.key for one in of], now=uow.clock.now())
    if wait_s:
        raise RateLimited(retry_after_s=wait_s)


async def failed(uow: "UnitOfWork", of: Counters) -> None:
    """Count a failure; must be committed though the attempt is refused."""
    for one in of:
        await uow.execute(_COUNT, key=one.key, now=uow.clock.now(), free=one.free, most=MOST_DELAY_S)


async def succeeded(uow: "UnitOfWork", of: Counters) -> None:
    """Forget the account's failures; those of the address may have been tries at others."""
    await uow.execute(_CLEAR, key=of.account.key)


async def forget_old(uow: "UnitOfWork") -> int:
    """Delete counts that count no more."""
    return await uow.execute(_FORGET, now=uow.clock.now())
