"""One-time tokens: long random texts of which only a digest is kept, each for one purpose and a short time."""

import secrets
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.errors import DomainError
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id
from woaas_security.identity import credential_store as store
from woaas_security.identity.keyring import Keyring

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


class Purpose(StrEnum):
    """What a token is good for."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, no password
    VERIFY_EMAIL = "verify_email"
    SECOND_STEP = "second_step"
    INVITATION = "invitation"
    PROOF = "proof"


LIFE = {
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.VERIFY_EMAIL: timedelta(days=2),
    Purpose.SECOND_STEP: timedelta(minutes=10),
    Purpose.INVITATION: timedelta(days=7),
    Purpose.PROOF: timedelta(minutes=5),
}


class LinkExpired(DomainError):
    """A one-time token that is unknown, used or too old: always the same answer."""

    code = "link_expired"
    title = "This link is no longer valid"
    status = 410
    hint = "Ask for a new one; a link works once and for a limited time."


async def mint(uow: "UnitOfWork", keyring: Keyring, user_id: UUID, purpose: Purpose, bound_to: str = "") -> str:
    """A new token for a user of the entered tenant; older ones of its kind end.

    One that is ``bound_to`` something opens nothing without it, see ``redeem``.
    """
    token = secrets.token_urlsafe(32)
    await store.end_tokens(uow, user_id, purpose)
    await store.insert_token(
        uow,
        user_id=user_id,
        purpose=purpose,
        token_hash=keyring.digest(purpose, bound_to + token),
        expires_at=uow.clock.now() + LIFE[purpose],
    )
    return token


async def find(uow: "UnitOfWork", keyring: Keyring, token: str, purpose: Purpose) -> "Record":
    """The user row of an open token, with ``token_id``; enters his tenant, in which he is the actor from here on.

    Raises:
        LinkExpired: see there.
    """
    row = await store.by_token(uow, keyring.digest(purpose, token))
    if row is None or row["expires_at"] <= uow.clock.now():
        raise LinkExpired
    uow.tenant_id, uow.livemode = row["tenant_id"], row["livemode"]
    uow.actor = Actor("user", encode_id("usr", row["user_id"]))
    return row


async def redeem(
    uow: "UnitOfWork", keyring: Keyring, user_id: UUID, token: str, purpose: Purpose, bound_to: str
) -> bool:
    """Use a token of a user of the entered tenant up; False where it is not his, not for this, used or too old."""
    return await store.redeem_token(uow, user_id, purpose, keyring.digest(purpose, bound_to + token))


async def take(uow: "UnitOfWork", found: "Record") -> None:
    """Use a found token up.

    Raises:
        LinkExpired: another request has.
    """
    if not await store.use_token(uow, found["token_id"]):
        raise LinkExpired
