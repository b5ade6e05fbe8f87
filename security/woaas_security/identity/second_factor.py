"""The second factor: enrolment, confirmation, recovery codes, and the check when signing in."""

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.errors import Conflict
from woaas_core.ids import encode_id
from woaas_core.wire import invalid
from woaas_security.identity import credential_store as store
from woaas_security.identity import events, totp
from woaas_security.identity.keyring import Keyring
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_ISSUER = "WOaaS"


class Enrolment(NamedTuple):
    """What the authenticator app is given, as text and as the address in the QR code."""

    secret: str
    uri: str


class Status(NamedTuple):
    """Whether signing in asks for a code, and how many recovery codes are left."""

    is_on: bool
    recovery_codes_left: int


async def status(uow: "UnitOfWork", user_id: UUID) -> Status:
    """How a user's second factor stands."""
    row = await store.factor(uow, user_id)
    if row is None or row["confirmed_at"] is None:
        return Status(is_on=False, recovery_codes_left=0)
    return Status(is_on=True, recovery_codes_left=await store.recovery_codes_left(uow, user_id))


async def begin(uow: "UnitOfWork", keyring: Keyring, principal: Principal, account: str) -> Enrolment:
    """Make a secret; it asks for nothing before a code of it is confirmed.

    Raises:
        Conflict: there is a second factor already.
    """
    await _require_none(uow, principal)
    secret = totp.new_secret()
    await store.replace_factor(uow, principal.id, keyring.seal(secret.encode(), _place(principal.id)))
    return Enrolment(secret, totp.uri(secret, account=account, issuer=_ISSUER))


async def pending(uow: "UnitOfWork", keyring: Keyring, principal: Principal, account: str) -> Enrolment | None:
    """The enrolment that waits for its first code."""
    row = await store.factor(uow, principal.id)
    secret = keyring.open(row["secret"], _place(principal.id)) if row and row["confirmed_at"] is None else None
    return Enrolment(secret.decode(), totp.uri(secret.decode(), account=account, issuer=_ISSUER)) if secret else None


async def confirm(uow: "UnitOfWork", keyring: Keyring, principal: Principal, code: str) -> list[str]:
    """Turn it on with a code of the new secret; returns the recovery codes, which are never shown again.

    Raises:
        Invalid: not the code of this moment.
    """
    await _require_none(uow, principal)
    if not await _is_code(uow, keyring, principal.id, code):
        raise invalid("/code", "invalid", "This is not the code of this moment; check the clock of the device.")
    await store.confirm_factor(uow, principal.id)
    uow.record(events.SECOND_FACTOR_ENABLED, subject=encode_id("usr", principal.id))
    return await renew_recovery_codes(uow, keyring, principal)


async def renew_recovery_codes(uow: "UnitOfWork", keyring: Keyring, principal: Principal) -> list[str]:
    """New recovery codes; older ones end."""
    codes = totp.new_recovery_codes()
    await store.replace_recovery_codes(uow, principal.id, [_hash(keyring, principal.id, c) for c in codes])
    uow.record(events.RECOVERY_CODES_MADE, subject=encode_id("usr", principal.id))
    return codes


async def remove(uow: "UnitOfWork", principal: Principal) -> None:
    """Sign in without a code from now on."""
    if (await status(uow, principal.id)).is_on:
        uow.record(events.SECOND_FACTOR_REMOVED, subject=encode_id("usr", principal.id))
    await store.drop_factor(uow, principal.id)


async def check(uow: "UnitOfWork", keyring: Keyring, user_id: UUID, code: str) -> str | None:
    """How a code proves the second factor (``code``, ``recovery_code``), using it up; None where it does not."""
    if await _is_code(uow, keyring, user_id, code):
        return "code"
    if totp.plain(code) and await store.use_recovery_code(uow, user_id, _hash(keyring, user_id, code)):
        uow.record(events.RECOVERY_CODE_USED, subject=encode_id("usr", user_id))
        return "recovery_code"
    return None


async def _is_code(uow: "UnitOfWork", keyring: Keyring, user_id: UUID, code: str) -> bool:
    row = await store.factor(uow, user_id)
    secret = keyring.open(row["secret"], _place(user_id)) if row else None
    if row is None or secret is None:
        return False
    step = totp.matching_step(secret.decode(), code, uow.clock.now(), after=row["last_step"])
    return step is not None and await store.take_step(uow, user_id, step)


async def _require_none(uow: "UnitOfWork", principal: Principal) -> None:
    if (await status(uow, principal.id)).is_on:
        msg = "Signing in asks for a code already; remove that first."
        raise Conflict(msg)


def _place(user_id: UUID) -> str:
    return f"totp:{user_id}"


def _hash(keyring: Keyring, user_id: UUID, code: str) -> bytes:
    return keyring.digest("recovery-code", f"{user_id}:{totp.plain(code)}")
