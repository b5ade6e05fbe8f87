"""Fields that a buyer's grant opens to a contract's partner beside the package, while the grant lasts.

What is opened is a copy the two parties share: the partner's side never reads the buyer's rows.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from woaas_capacity_market import repository
from woaas_capacity_market.counterparty import shared_key
from woaas_capacity_market.errors import WrongParty
from woaas_capacity_market.lifecycle import CONTRACT_ENDED, Party
from woaas_capacity_market.models import market_openings
from woaas_capacity_market.requests import require_exportable
from woaas_capacity_market.views import own_contracts
from woaas_core.errors import GuardFailed, NotFound
from woaas_core.ids import decode_id, encode_id
from woaas_core.wire import invalid
from woaas_security.authz.lines import ANY
from woaas_security.permissions import grants
from woaas_security.permissions.escalation import Registry
from woaas_security.permissions.inputs import NewGrant
from woaas_security.permissions.resources import GRANT
from woaas_security.principal import Principal
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.orders.service import lock_operation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


_IDS = frozenset(f.name for f in OPERATION.fields if f.kind == "id")


async def open_to_partner(
    uow: "UnitOfWork", principal: Principal, body: NewGrant, registry: Registry
) -> "Mapping[str, Any]":
    """Open fields of a contract's operation to its partner, as they are now.

    Raises:
        NotFound: no contract of one's own. WrongParty: it is the other side's operation.
        ExportControlled: the order must not leave the house.
        GuardFailed: the contract has ended.
    """
    principal.require(GRANT, "create")
    if body.resource != OPERATION.name:
        raise invalid("/resource", "invalid", "A contract's partner is given fields of its operation only.")
    for i, field in enumerate(body.fields):
        if field.endswith(ANY) or field in _IDS:
            raise invalid(f"/fields/{i}", "invalid", "Name each field; ids never go to a partner.")
    contract = await repository.shown(uow, own_contracts, decode_id("ctr", body.to))
    if contract is None:
        raise NotFound
    if contract["party"] != Party.BUYER:
        raise WrongParty
    if contract["state"] in CONTRACT_ENDED:
        msg = "The contract has ended; its partner keeps no access."
        raise GuardFailed(msg, members={"missing": ["a contract that has not ended"]})
    order, operation = await lock_operation(uow, principal, contract["operation_id"])
    require_exportable(order)
    granted = await grants.create(uow, principal, body, registry)
    access = principal.access(OPERATION).of(operation)
    shown = access.project(operation)
    row = await repository.both_sides(uow, contract["id"])
    assert row is not None
    await repository.insert(
        uow,
        market_openings,
        {
            **shared_key(row),
            "id": granted["id"],
            "contract_id": contract["id"],
            "fields": msgspec.to_builtins(_opened(shown, granted["fields"])),
            "purpose": granted["purpose"],
            "expires_at": granted["expires_at"],
            "revoked_at": None,
        },
    )
    return granted


async def close(uow: "UnitOfWork", grant: "Record") -> None:
    """End what a revoked grant has opened to a partner."""
    if grant["grantee"].startswith("ctr_"):
        await repository.close_opening(uow, grant["id"])


async def opened(uow: "UnitOfWork", contract_id: "UUID") -> list[dict[str, Any]]:
    """What is open at this moment, as the package shows it."""
    return [
        {
            "grant_id": encode_id("grn", row["id"]),
            "fields": row["fields"],
            "purpose": row["purpose"],
            "expires_at": row["expires_at"],
        }
        for row in await repository.openings(uow, contract_id)
    ]


def _opened(shown: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The named fields and members of an object already shown."""
    found: dict[str, Any] = {}
    for field in fields:
        head, _, member = field.partition(".")
        if member:
            if member in (shown.get(head) or {}):
                found.setdefault(head, {})[member] = shown[head][member]
        elif head in shown:
            found[head] = shown[head]
    return found
