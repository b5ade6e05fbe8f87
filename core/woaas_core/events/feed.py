"""The log as CloudEvents 1.0, for clients and the console."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Text as SqlText
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_core.db.statements import Statement
from woaas_core.events.log import event, log
from woaas_core.ids import try_decode_id, uuid7

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_SCAN = 2_000

_BASE = (
    select(log.c.index, event.c.payload)
    .join(event, (event.c.tenant_id == log.c.tenant_id) & (event.c.id == log.c.event_id))
    .where(log.c.tenant_id == bindparam("tenant_id"), log.c.index >= bindparam("start"))
    .where(log.c.index < bindparam("end"))
    .order_by(log.c.index)
    .limit(bindparam("limit"))
)
_OF_TYPE = event.c.type.like(bindparam("types", type_=ARRAY(SqlText)).any_())
_OF_ORDER = event.c.work_order_id == bindparam("work_order_id")
_STATEMENTS = {
    (False, False): Statement(_BASE),
    (True, False): Statement(_BASE.where(_OF_TYPE)),
    (False, True): Statement(_BASE.where(_OF_ORDER)),
    (True, True): Statement(_BASE.where(_OF_TYPE, _OF_ORDER)),
}
_SIZE = Statement.text("SELECT size FROM log_head WHERE tenant_id = $1", "tenant_id")


class Feed(NamedTuple):
    """A stretch of the log: its events, the index to go on from, and how long the log is."""

    events: list[dict[str, Any]]
    next_index: int
    size: int


class _Payload(msgspec.Struct):
    id: str
    tenant: str
    type: str
    at: datetime
    subject: str
    work_order: str | None
    livemode: bool
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Payload).decode


async def read_feed(
    uow: "UnitOfWork", *, start: int, limit: int, types: list[str], work_order: str | None = None
) -> Feed:
    """Events from ``start`` on, of the given types (``work_order.*`` patterns), in the log's order.

    A sparse filter looks at a bounded stretch at a time, so a page may hold fewer events than there are further on;
    the next index says where to go on.
    """
    size = await uow.value(_SIZE, tenant_id=uow.tenant) or 0
    end = min(size, start + _SCAN) if types or work_order else size
    patterns = [t.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%") for t in types]
    rows = await uow.all(
        _STATEMENTS[(bool(types), work_order is not None)],
        tenant_id=uow.tenant,
        start=start,
        end=end,
        limit=limit,
        types=patterns,
        work_order_id=(try_decode_id("wo", work_order) or uuid7()) if work_order else None,
    )
    full = len(rows) == limit
    return Feed([cloud_event(r["index"], r["payload"]) for r in rows], rows[-1]["index"] + 1 if full else end, size)


def cloud_event(index: int, payload: bytes) -> dict[str, Any]:
    """An entry in CloudEvents' attribute names; extensions are lower-case letters only, as its §3 asks."""
    entry = _decode(payload)
    shown: dict[str, Any] = {
        "specversion": "1.0",
        "id": entry.id,
        "source": f"/tenants/{entry.tenant}",
        "type": entry.type,
        "time": entry.at,
        "subject": entry.subject,
        "datacontenttype": "application/json",
        "tenantid": entry.tenant,
        "auditindex": index,
        "livemode": entry.livemode,
    }
    if entry.work_order:
        shown["workorder"] = entry.work_order
    return {**shown, "data": entry.data}
