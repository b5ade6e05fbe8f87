"""Use cases of the end of a tenant: an owner asks for it, and may take it back until its time has come."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from woaas_core.errors import Conflict, Forbidden, LegallyHeld, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.identity import credential_store
from woaas_security.identity.reauthentication import Claim, Prover
from woaas_security.permissions.repository import raise_version
from woaas_security.principal import Principal
from woaas_security.tenant_deletion import events, letters, repository
from woaas_security.tenant_deletion.inputs import NewTenantDeletion
from woaas_security.tenant_deletion.resources import TENANT_DELETION

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

Unfinished = Callable[["UnitOfWork"], Awaitable[list[str]]]
"""What a tenant still owes others, by public ids."""
_LATER = ("cancelled_at", "started_at", "last_event_id", "recipient", "destroyed_at", "certificate", "finished_at")
_OWNERS_ONLY = "Only owners end a tenant."


async def request(
    uow: "UnitOfWork",
    principal: Principal,
    prover: Prover,
    body: NewTenantDeletion,
    *,
    grace: timedelta,
    unfinished: Unfinished,
) -> "Record":
    """Close the tenant: it is only read from now on, and deleted when the grace period is over.

    Everybody who has access is told by mail. ``unfinished`` names what the tenant still owes others.

    Raises:
        Forbidden: the caller, or who gave his password, is no owner.
        Unauthenticated: not his password, or not the code of his second factor.
        LegallyHeld: there is a hold on something of the tenant.
        Conflict: it was asked for before, or something is unfinished.
    """
    principal.require(TENANT_DELETION, "create")
    proved = await prover.prove(uow, principal, Claim(body.signer, body.password, body.otp))
    if not principal.is_owner or OWNER_ROLE not in proved.roles:
        raise Forbidden(_OWNERS_ONLY)
    if await repository.is_held(uow):
        raise LegallyHeld
    await raise_version(uow)
    if await repository.current(uow) is not None:
        msg = "The tenant is to be deleted already."
        raise Conflict(msg)
    if found := await unfinished(uow):
        msg = f"Others still count on the tenant; close, withdraw or cancel first: {', '.join(found)}"
        raise Conflict(msg, members={"unfinished": found})
    now = uow.clock.now()
    values: dict[str, Any] = {
        "id": uuid7(),
        "state": "closing",
        "requested_by": proved.id,
        "requested_at": now,
        "delete_at": now + grace,
        **dict.fromkeys(_LATER),
        "destroyed": {},
    }
    await repository.insert(uow, values)
    data = {"requested_by": encode_id("usr", proved.id), "delete_at": values["delete_at"]}
    uow.record(events.REQUESTED, subject=encode_id("tdl", values["id"]), data=data)
    await _tell(uow, letters.CLOSING)
    return await get(uow, principal)


async def get(uow: "UnitOfWork", principal: Principal) -> "Record":
    """The deletion that is asked for.

    Raises:
        NotFound: none is.
    """
    principal.require(TENANT_DELETION, "read")
    row = await repository.current(uow)
    if row is None:
        raise NotFound
    return row


async def cancel(uow: "UnitOfWork", principal: Principal) -> "Record":
    """Let the tenant go on as before.

    Raises:
        NotFound: no deletion was asked for.
        Forbidden: no owner.
        Conflict: it has begun.
    """
    principal.require(TENANT_DELETION, "cancel")
    if not principal.is_owner:
        raise Forbidden(_OWNERS_ONLY)
    row = await repository.current(uow, lock=True)
    if row is None:
        raise NotFound
    if row["state"] != "closing":
        msg = "The deletion has begun; what is destroyed does not come back."
        raise Conflict(msg, members={"state": row["state"]})
    now = uow.clock.now()
    await repository.change(uow, row["id"], state="cancelled", cancelled_at=now)
    await raise_version(uow)
    uow.record(events.CANCELLED, subject=encode_id("tdl", row["id"]))
    await _tell(uow, letters.KEPT)
    found = await repository.by_id(uow, row["id"])
    assert found is not None
    return found


async def _tell(uow: "UnitOfWork", purpose: str) -> None:
    for user_id in await repository.members(uow):
        await credential_store.queue_mail(uow, user_id, purpose)
