"""The data package of a contract: released by the buyer, read by the partner, gone when the contract ends."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_capacity_market import events, openings, repository, requests
from woaas_capacity_market.counterparty import record_both, shared_key
from woaas_capacity_market.lifecycle import CONTRACT_ENDED, Party
from woaas_capacity_market.models import market_packages
from woaas_capacity_market.resources import CONTRACT
from woaas_capacity_market.sharing import LEVELS, Level, digest_of, shared_fields
from woaas_capacity_market.views import own_contracts, own_requests
from woaas_core.errors import Forbidden, Gone, GuardFailed, NotFound
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.orders.service import lock_operation

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def release(uow: "UnitOfWork", principal: Principal, row: "Record") -> str:
    """Freeze what the ladder's last step carries of the operation; later changes of the order do not reach it."""
    request = await repository.shown(uow, own_requests, row["request_id"])
    assert request is not None
    if LEVELS[request["disclosure"]["level"]] < Level.PACKAGE:
        msg = "The request was disclosed to a lower level; no package goes out under it."
        raise GuardFailed(msg, members={"missing": ["disclosure level 'package'"]})
    order, operation = await lock_operation(uow, principal, request["operation_id"])
    requests.require_exportable(order)
    access = principal.access(OPERATION).of(operation)
    fields = shared_fields(
        Level.PACKAGE,
        order.head,
        operation,
        readable=access.readable | access.members.keys(),
        named=[n for n in request["disclosure"]["custom_fields"] if access.reads("custom_fields", n)],
    )
    digest = digest_of(fields)
    await repository.insert(
        uow, market_packages, {**shared_key(row), "fields": fields, "sha256": digest, "released_at": uow.clock.now()}
    )
    return digest.hex()


async def read(uow: "UnitOfWork", principal: Principal, contract_id: UUID) -> dict[str, Any]:
    """The released package; each reading by the partner is recorded in both logs.

    Raises:
        Forbidden: the role may not read packages.
        NotFound: none released, or not a party.
        Gone: the contract has ended; the partner keeps no access.
    """
    if "package" not in principal.require(CONTRACT, "read").readable:
        raise Forbidden
    contract = await repository.shown(uow, own_contracts, contract_id)
    row = await repository.package(uow, contract_id)
    if contract is None or row is None:
        raise NotFound
    granted = await openings.opened(uow, contract_id)
    if contract["party"] == Party.PARTNER:
        if contract["state"] in CONTRACT_ENDED:
            msg = "The contract has ended and its package with it."
            raise Gone(msg)
        await record_both(
            uow,
            events.PACKAGE_OBSERVED,
            row,
            subject=encode_id("ctr", contract_id),
            data={
                "contract_id": encode_id("ctr", contract_id),
                "sha256": row["sha256"].hex(),
                **({"purposes": [g["purpose"] for g in granted]} if granted else {}),
            },
        )
    return {
        "contract_id": encode_id("ctr", contract_id),
        "fields": row["fields"],
        "sha256": row["sha256"].hex(),
        "released_at": row["released_at"],
        "granted": granted,
    }
