"""Signing in to the console: password, then a code where the account asks for one, then a session.

A refused attempt is counted and recorded, so whoever catches the refusal lets the transaction commit.
"""

import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple

from woaas_core.errors import Unauthenticated
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.identity import events, one_time, repository, second_factor, throttle
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.one_time import Purpose
from woaas_security.identity.passwords import verify_password
from woaas_security.identity.service import Authenticator, Origin, SignedIn
from woaas_security.sso import repository as sso
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_WRONG_PASSWORD = "The e-mail address or the password is not right."  # noqa: S105 - a message
_WRONG_CODE = "The code is not right, or it has been used."


class AwaitsCode(NamedTuple):
    """The password was right; ``token`` stands for that until the code comes."""

    token: str


async def sign_in(
    uow: "UnitOfWork", authenticator: Authenticator, email: str, password: str, origin: Origin
) -> SignedIn | AwaitsCode:
    """Start a console session, or ask for the second factor.

    Raises:
        Unauthenticated: no such user or wrong password, with the same work done.
        RateLimited: too soon after failures.
    """
    account = email.strip().lower()
    counted = counters_of(authenticator.keyring, account, origin)
    await throttle.check(uow, counted)
    found = await repository.by_email(uow, account)
    candidates: list[Record | None] = [*found] or [None]
    for row in candidates:
        if await verify_password(password, row["password_hash"] if row else None) and row:
            await tenants.enter(uow, row["tenant_id"])
            if await _must_come_by_provider(uow, row):
                continue
            if (await second_factor.status(uow, row["id"])).is_on:
                return AwaitsCode(await one_time.mint(uow, authenticator.keyring, row["id"], Purpose.SECOND_STEP))
            return await _let_in(uow, authenticator, row, origin, counted, "password")
    await throttle.failed(uow, counted)
    await _record_refusal(uow, found, "password")
    raise Unauthenticated(_WRONG_PASSWORD)


async def give_code(uow: "UnitOfWork", authenticator: Authenticator, token: str, code: str, origin: Origin) -> SignedIn:
    """Start the session of who has given his password, once the code of his second factor is right.

    Raises:
        LinkExpired: the password was given too long ago.
        Unauthenticated: a wrong or used code.
        RateLimited: too soon after failures.
    """
    found = await one_time.find(uow, authenticator.keyring, token, Purpose.SECOND_STEP)
    counted = counters_of(authenticator.keyring, found["email"], origin)
    await throttle.check(uow, counted)
    method = await second_factor.check(uow, authenticator.keyring, found["user_id"], code)
    if method is None:
        await throttle.failed(uow, counted)
        user = await repository.user(uow, found["user_id"])
        await _record_refusal(uow, [user] if user else [], "code")
        raise Unauthenticated(_WRONG_CODE)
    await one_time.take(uow, found)
    row = await repository.user(uow, found["user_id"])
    if row is None or await _must_come_by_provider(uow, row):
        raise Unauthenticated(_WRONG_PASSWORD)
    return await _let_in(uow, authenticator, row, origin, counted, method)


async def _must_come_by_provider(uow: "UnitOfWork", row: "Record") -> bool:
    """Whether a right password opens nothing: where single sign-on is enforced, for all but owners."""
    return OWNER_ROLE not in row["roles"] and await sso.is_enforced(uow)


async def _let_in(
    uow: "UnitOfWork", authenticator: Authenticator, row: "Record", origin: Origin, counted: throttle.Counters, how: str
) -> SignedIn:
    await throttle.succeeded(uow, counted)
    return await authenticator.start_session(
        uow, row["id"], origin, method=how, device=new_device(authenticator.keyring, row["email"], origin)
    )


async def _record_refusal(uow: "UnitOfWork", users: "list[Record]", reason: str) -> None:
    """Each tenant's log tells of the attempt on its own user; an address nobody has is in none."""
    for user in users:
        await tenants.enter(uow, user["tenant_id"])
        uow.actor = Actor("system", "sign_in")
        uow.record(events.SIGN_IN_REFUSED, subject=encode_id("usr", user["id"]), data={"reason": reason})
        await uow.flush_events()


def new_device(keyring: Keyring, account: str, origin: Origin) -> str:
    """The mark of a browser in which this account has signed in; one that it has is kept."""
    if _mark(keyring, account, origin.device):
        return origin.device
    nonce = secrets.token_urlsafe(12)
    return f"{nonce}.{keyring.digest('device', f'{account}:{nonce}').hex()}"


def counters_of(keyring: Keyring, account: str, origin: Origin) -> throttle.Counters:
    """What attempts to be the person of an account are counted on, at whichever door."""
    device = _mark(keyring, account, origin.device)
    return throttle.counters(keyring, account=account, device=device, address=origin.address)


def _mark(keyring: Keyring, account: str, device: str) -> str:
    """The verified mark in a device cookie; empty where it is not this account's."""
    nonce, _, tag = device.partition(".")
    expected = keyring.digest("device", f"{account}:{nonce}").hex()
    return nonce if hmac.compare_digest(tag.encode(), expected.encode()) else ""
