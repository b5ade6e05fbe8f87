"""Use cases of signatures (21 CFR 11.50, 11.70, 11.200): sign, read."""

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from woaas_core.errors import Conflict, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_security.identity.reauthentication import Claim, Prover, Signer
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.attachments.repository import current_of
from woaas_work_orders.orders import service as orders
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import OrderState
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.transitions import FourEyes
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.signatures import events, repository
from woaas_work_orders.signatures.inputs import SignatureBody
from woaas_work_orders.signatures.representation import Recorded, new_salt, record_of, scope_of
from woaas_work_orders.signatures.resources import SIGNATURE

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def sign(
    uow: "UnitOfWork", principal: Principal, prover: Prover, subject: str, body: SignatureBody
) -> dict[str, Any]:
    """Sign a work order (by id or number) or an operation as it is now. Locks the order.

    Raises:
        Unauthenticated: the signer has not shown to be himself.
        RateLimited: too soon after attempts that failed.
        Forbidden: neither the caller nor the signer may be without the right to sign.
        FourEyes: the signer has signed this already, and that still holds: it takes somebody else.
    """
    order, operation = await orders.lock_subject(uow, principal, subject)
    if order.head.state == OrderState.FORECAST:
        msg = "Expected demand is nothing to sign; release it first."
        raise Conflict(msg)
    about = "" if body.proof is UNSET else await _about(uow, order, operation)
    signer = await prover.prove(uow, principal, Claim(body.signer, body.password, body.otp, body.proof), about)
    resource = WORK_ORDER if operation is None else OPERATION
    principal.require(resource, "sign")
    signer.access(principal, resource).require("sign")
    operation_id = None if operation is None else operation.id
    for row in order.signatures:
        if (row["signer_id"], row["operation_id"], row["state"]) == (signer.id, operation_id, "valid"):
            msg = f"{signer.name} has signed this already; a second signature is another person's."
            raise FourEyes(msg)
    values = await _values(uow, order, operation, signer, body)
    await repository.insert(uow, values)
    order.head.is_signed = True
    subject_id = encode_id("wo", order.head.id) if operation is None else encode_id("op", operation.id)
    uow.record(
        events.SIGNATURE_CREATED,
        subject=encode_id("sig", values["id"]),
        work_order_id=order.head.id,
        data={"subject": subject_id, "meaning": values["meaning"], "record_sha256": values["record_sha256"]},
        changes={
            **{n: values[n] for n in ("signer_name", "reason", "method", "signed_at", "time_zone", "scope")},
            "signer_id": encode_id("usr", signer.id),
        },
    )
    return values


async def about(uow: "UnitOfWork", principal: Principal, subject: str) -> str:
    """What a proof for signing a record as it is now is bound to; a later change of the record makes it void.

    Raises:
        Forbidden: the caller may not sign.
    """
    order, operation = await orders.lock_subject(uow, principal, subject)
    principal.require(WORK_ORDER if operation is None else OPERATION, "sign")
    return await _about(uow, order, operation)


async def get(uow: "UnitOfWork", principal: Principal, signature_id: UUID) -> "Record":
    """A signature.

    Raises:
        NotFound: missing or not the caller's to see.
    """
    principal.require(SIGNATURE, "read")
    row = await repository.get(uow, principal, signature_id)
    if row is None:
        raise NotFound
    return row


async def _values(
    uow: "UnitOfWork", order: Order, operation: Operation | None, signer: Signer, body: SignatureBody
) -> dict[str, Any]:
    record = await _record(uow, order, operation, new_salt())
    return {
        "id": uuid7(),
        "work_order_id": order.head.id,
        "operation_id": None if operation is None else operation.id,
        "meaning": body.meaning,
        "reason": None if body.reason is UNSET else body.reason,
        "signer_id": signer.id,
        "signer_name": signer.name,
        "method": signer.method,
        "signed_at": uow.clock.now(),
        "time_zone": await _time_zone(uow, order),
        "scope": scope_of(order, operation),
        "record": record,
        "record_sha256": hashlib.sha256(record).hexdigest(),
        "state": "valid",
        "invalidated_at": None,
        "invalidated_by": None,
    }


async def _about(uow: "UnitOfWork", order: Order, operation: Operation | None) -> str:
    record = await _record(uow, order, operation, salt="")
    return f"signature:{hashlib.sha256(record).hexdigest()}"


async def _record(uow: "UnitOfWork", order: Order, operation: Operation | None, salt: str) -> bytes:
    recorded = Recorded(await repository.reports_of(uow, order.head.id), await current_of(uow, order.head.id))
    return record_of(order, None if operation is None else operation.id, scope_of(order, operation), recorded, salt)


async def _time_zone(uow: "UnitOfWork", order: Order) -> str:
    """The zone of the order's site, else the tenant's."""
    site = await master_data.find(uow, "site", order.head.site) if order.head.site else None
    zone = None if site is None else site["body"].get("time_zone")
    return str(zone or (await tenants.get(uow))["time_zone"])
