"""The log as CloudEvents 1.0, for clients and the console."""

from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Text as SqlText
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from woaas_core.db.statements import Statement
from woaas_core.errors import DomainError
from woaas_core.events.envelope import OBSERVED, moved
from woaas_core.events.log import FLOOR, event, log
from woaas_core.ids import try_decode_id, uuid7

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_SCAN = 2_000

_BASE = (
    select(log.c.index, event.c.payload)
    .join(event, (event.c.tenant_id == log.c.tenant_id) & (event.c.id == log.c.event_id))
    .where(log.c.tenant_id == bindparam("tenant_id"), log.c.index >= bindparam("start"))
    .where(log.c.index < bindparam("end"), event.c.type.not_like(f"%{OBSERVED}"))
    .order_by(log.c.index)
    .limit(bindparam("limit"))
)
_OF_TYPE = event.c.type.like(bindparam("types", type_=ARRAY(SqlText)).any_())
_OF_ORDER = event.c.work_order_id == bindparam("work_order_id")
_SINCE = event.c.recorded_at >= bindparam("since")
_UNTIL = event.c.recorded_at < bindparam("until")
_CONDITIONS = (_OF_TYPE, _OF_ORDER, _SINCE, _UNTIL)
_STATEMENTS = {
    asked: Statement(_BASE.where(*(c for c, is_asked in zip(_CONDITIONS, asked, strict=True) if is_asked)))
    for asked in product((False, True), repeat=len(_CONDITIONS))
}
# Recorded times rise with the index but for transactions that overlapped: look from a minute earlier on.
_BEFORE = Statement.text(
    """
    SELECT l.index FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND e.recorded_at < $2::timestamptz - interval '1 minute'
    ORDER BY l.index DESC LIMIT 1
    """,
    "tenant_id",
    "since",
)
_BOUNDS = Statement.text(
    f"SELECT {FLOOR} AS floor, coalesce((SELECT size FROM log_head WHERE tenant_id = $1), 0) AS size",  # noqa: S608
    "tenant_id",
)


class Archived(DomainError):
    """A place of the log whose entries are archived: they are in no feed any more."""

    code = "archived"
    title = "These entries are archived"
    status = 410
    hint = "Begin without a cursor, or read them in a bundle: POST /v1/audit/exports."


class Feed(NamedTuple):
    """A stretch of the log: its events, the index to go on from, and whether the log ends there for now, and
    how long the log is."""

    events: list[dict[str, Any]]
    next_index: int
    is_end: bool
    size: int


@dataclass(frozen=True)
class FeedFilter:
    """Which events are wanted: types (``work_order.*`` patterns; none is all), an order's, a half-open time window."""

    types: tuple[str, ...] = ()
    work_order: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _Payload(msgspec.Struct):
    id: str
    tenant: str
    type: str
    at: datetime
    subject: str
    work_order: str | None
    livemode: bool
    version: tuple[int | None, int | None]
    data: dict[str, Any]
    changes: dict[str, Any]


_decode = msgspec.json.Decoder(_Payload).decode


async def read_feed(uow: "UnitOfWork", wanted: FeedFilter, *, start: int | None, limit: int) -> Feed:
    """The wanted events from ``start`` on, in the log's order; without a start from the first that can be wanted.

    A sparse filter looks at a bounded stretch at a time, so a page may hold fewer events than there are further on;
    the next index says where to go on.

    Raises:
        Archived: entries from ``start`` on are archived.
    """
    bounds = await uow.first(_BOUNDS, tenant_id=uow.tenant)
    assert bounds is not None
    floor, size = int(bounds["floor"]), int(bounds["size"])
    first = start
    if first is None:
        before = await uow.value(_BEFORE, tenant_id=uow.tenant, since=wanted.since) if wanted.since else None
        first = floor if before is None else int(before) + 1
    if first < floor:
        msg = f"The log is archived up to entry {floor}; you were at {first}."
        raise Archived(msg)
    asked = (bool(wanted.types), wanted.work_order is not None, wanted.since is not None, wanted.until is not None)
    end = min(size, first + _SCAN) if any(asked) else size
    patterns = [_pattern(t) for t in wanted.types]
    rows = await uow.all(
        _STATEMENTS[asked],
        tenant_id=uow.tenant,
        start=first,
        end=end,
        limit=limit,
        types=patterns,
        work_order_id=(try_decode_id("wo", wanted.work_order) or uuid7()) if wanted.work_order else None,
        since=wanted.since,
        until=wanted.until,
    )
    next_index = rows[-1]["index"] + 1 if len(rows) == limit else end
    return Feed([cloud_event(r["index"], r["payload"]) for r in rows], next_index, next_index >= size, size)


def _pattern(type_: str) -> str:
    return type_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")


def cloud_event(index: int, payload: bytes) -> dict[str, Any]:
    """An entry in CloudEvents' attribute names; extensions are lower-case letters only, as its §3 asks.

    `moved`, the names of the fields that changed, is none of them: it is for the masks, which take it out.
    """
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
    return {**shown, "data": entry.data, "moved": moved(entry.version, entry.changes)}
