"""Passwords and addresses of people: forgotten ones reset, known ones changed, addresses verified."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_core.wire import invalid
from woaas_security.identity import credential_store as store
from woaas_security.identity import events, one_time, repository, throttle
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.one_time import Purpose
from woaas_security.identity.password_rules import check_password
from woaas_security.identity.passwords import hash_password, verify_password
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def request_reset(uow: "UnitOfWork", keyring: Keyring, email: str, *, address: str) -> None:
    """Have a link sent to whom this address belongs, if anybody; the caller learns nothing of that.

    Raises:
        RateLimited: too many requests from the network address.
    """
    counted = throttle.counters(keyring, account=f"mail:{address}", address=f"mail:{address}")
    await throttle.check(uow, counted)
    # Each request counts, so that known and unknown addresses leave a transaction that writes.
    await throttle.failed(uow, counted)
    await store.queue_reset(uow, email.strip().lower())


async def reset_password(uow: "UnitOfWork", keyring: Keyring, token: str, password: str) -> None:
    """Set a password by the link of a mail: every session of the account ends, and its address is verified.

    Raises:
        LinkExpired: the token is unknown, used or too old.
        Invalid: the password is not taken; the token stays good.
    """
    found = await one_time.find(uow, keyring, token, Purpose.RESET_PASSWORD)
    await check_password(password, about=(found["email"], found["name"]))
    await one_time.take(uow, found)
    await _set_password(uow, found["user_id"], password, keep=None)
    await _mark_verified(uow, found)


async def accept_invitation(uow: "UnitOfWork", keyring: Keyring, token: str, password: str) -> None:
    """Join by the link of an invitation, with a password of one's own.

    Raises:
        LinkExpired: the token is unknown, used or too old.
        Invalid: the password is not taken; the token stays good.
    """
    found = await one_time.find(uow, keyring, token, Purpose.INVITATION)
    await check_password(password, about=(found["email"], found["name"]))
    await one_time.take(uow, found)
    row = await repository.activate(uow, found["user_id"], await hash_password(password))
    if row is None:
        raise one_time.LinkExpired
    version = (row["version"] - 1, row["version"])
    uow.record(events.MEMBER_JOINED, subject=encode_id("usr", found["user_id"]), version=version)


async def verify_email(uow: "UnitOfWork", keyring: Keyring, token: str) -> None:
    """Note that a person reads the mail of his address.

    Raises:
        LinkExpired: the token is unknown, used or too old.
    """
    found = await one_time.find(uow, keyring, token, Purpose.VERIFY_EMAIL)
    await one_time.take(uow, found)
    await _mark_verified(uow, found)


async def ask_to_verify(uow: "UnitOfWork", principal: Principal) -> None:
    """Have a link sent by which the caller proves his address."""
    await store.queue_mail(uow, principal.id, Purpose.VERIFY_EMAIL)


async def change_password(
    uow: "UnitOfWork", keyring: Keyring, principal: Principal, session_id: UUID, *, current: str, new: str
) -> None:
    """Change the caller's password; his other sessions end.

    Raises:
        Invalid: the present one is wrong, or the new one is not taken.
        RateLimited: too soon after wrong ones.
    """
    row = await require_password(uow, keyring, principal, current)
    await check_password(new, about=(row["email"], row["name"]), pointer="/new")
    await _set_password(uow, principal.id, new, keep=session_id)


async def require_password(
    uow: "UnitOfWork", keyring: Keyring, principal: Principal, password: str, pointer: str = "/current"
) -> "Record":
    """Have the caller prove anew that he is the owner of his session; returns his user row.

    A wrong one is counted, so the refusal must be caught and the transaction committed.

    Raises:
        Invalid: it is wrong.
        RateLimited: too soon after wrong ones.
    """
    row = await repository.user(uow, principal.id)
    assert row is not None
    counted = throttle.counters(keyring, account=f"own:{principal.id}", address=f"own:{principal.id}")
    await throttle.check(uow, counted)
    if not await verify_password(password, row["password_hash"]):
        await throttle.failed(uow, counted)
        raise invalid(pointer, "invalid", "This is not your present password.")
    await throttle.succeeded(uow, counted)
    return row


async def _set_password(uow: "UnitOfWork", user_id: UUID, password: str, *, keep: UUID | None) -> None:
    version = await repository.set_password(uow, user_id, await hash_password(password))
    await repository.end_sessions(uow, user_id, keep=keep)
    for purpose in (Purpose.RESET_PASSWORD, Purpose.SECOND_STEP):
        await store.end_tokens(uow, user_id, purpose)
    uow.record(events.PASSWORD_CHANGED, subject=encode_id("usr", user_id), version=(version - 1, version))


async def _mark_verified(uow: "UnitOfWork", found: "Record") -> None:
    version = await repository.set_email_verified(uow, found["user_id"], uow.clock.now())
    if version is not None:
        uow.record(events.EMAIL_VERIFIED, subject=encode_id("usr", found["user_id"]), version=(version - 1, version))
