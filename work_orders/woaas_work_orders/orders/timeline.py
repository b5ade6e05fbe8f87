"""What happened to an order, from its audit entries."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_ENTRIES = Statement.text(
    "SELECT payload FROM event WHERE tenant_id = $1 AND work_order_id = $2 ORDER BY id LIMIT 2000",
    "tenant_id",
    "work_order_id",
)


class _Entry(msgspec.Struct):
    id: str
    type: str
    at: datetime
    actor: dict[str, str]
    subject: str
    reason: str | None
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Entry).decode


async def timeline(uow: "UnitOfWork", order_id: UUID) -> list[dict[str, Any]]:
    """The order's entries, oldest first; they hold ids and facts only, so that no mask is needed."""
    rows = await uow.all(_ENTRIES, tenant_id=uow.tenant, work_order_id=order_id)
    return [msgspec.structs.asdict(_decode(row["payload"])) for row in rows]
