"""How complete the material of an order is, and what is short until when."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from woaas_core.errors import NotFound
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.orders import repository, service
from woaas_work_orders.orders.entities import Operation
from woaas_work_orders.orders.pegging import Pegging, peg
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.resources import repository as master_data

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def kitting(uow: "UnitOfWork", principal: Principal, key: str) -> dict[str, Any]:
    """The kitting rate of an order and of each of its operations that needs material.

    The rate is the share of material lines covered in full by stock that is there now, after more urgent orders
    have had theirs. What is kitted, started or over counts as covered.

    Raises:
        NotFound: no such order, or the caller may not see what its operations need.
    """
    head = await service.get(uow, principal, key)
    if principal.guest_roles(OPERATION) or "materials" not in principal.access(OPERATION).readable:
        raise NotFound
    now = uow.clock.now()
    lots = [record["body"] for record in await master_data.in_use(uow, "material_lot")]
    pegged = peg(await repository.demands(uow, head.id), lots)
    operations = [Operation.from_row(row) for row in await repository.operations_of(uow, [head.id])]
    lines = [(o, pegged.get(o.id, ())) for o in operations if o.materials]
    parts = [_part(operation, peggings, now) for operation, peggings in lines]
    needed = sum(len(operation.materials) for operation, _ in lines)
    short = sum(len(part["shortages"]) for part in parts)
    return {
        "work_order_id": encode_id("wo", head.id),
        "number": head.number,
        "kitting_rate": _share(needed - short, needed),
        "operations": parts,
    }


def _part(operation: Operation, peggings: tuple[Pegging, ...], now: datetime) -> dict[str, Any]:
    short = [p for p in peggings if p.available_by(now) < p.required]
    is_coverable = all(p.missing == 0 for p in short)
    return {
        "operation_id": encode_id("op", operation.id),
        "sequence": operation.sequence,
        "kitting_rate": _share(len(operation.materials) - len(short), len(operation.materials)),
        "complete_at": max((p.complete_at for p in short if p.complete_at), default=None) if is_coverable else None,
        "shortages": [
            {
                "material": p.material,
                "unit": p.unit,
                "required": p.required,
                "available": p.available_by(now),
                "missing": p.missing,
                "complete_at": p.complete_at if p.missing == 0 else None,
            }
            for p in short
        ],
    }


def _share(covered: int, needed: int) -> Decimal:
    return (Decimal(covered) / needed).quantize(Decimal("0.0001")) if needed else Decimal(1)
