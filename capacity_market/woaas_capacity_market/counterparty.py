"""Pseudonyms, and facts for the other party's log.

A deal's facts belong to both logs. The entered tenant records its own as always; the other party's is sealed for
that tenant here and inserted by a definer function, which checks that the two share the row it is about. Its actor is
the pseudonym of the side that acted; no key, person, request id or reason of one side reaches the other's log.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_capacity_market import repository
from woaas_capacity_market.lifecycle import Party
from woaas_core.db.statements import Row, Statement
from woaas_core.events.envelope import Actor, Event, EventType, seal
from woaas_core.ids import encode_id, uuid7

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_TELL = Statement.text(
    "SELECT market_tell($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    *("counterparty", "shared", "event_id", "kind", "subject", "actor", "at", "payload", "leaf"),
)


async def own_party(uow: "UnitOfWork") -> UUID:
    """The entered tenant's pseudonym on the market, made on first use."""
    return await repository.ensure_party(uow, uuid7())


def side(uow: "UnitOfWork", row: Row) -> Party:
    """Which side of a shared row the entered tenant is."""
    return Party.BUYER if row["buyer_tenant_id"] == uow.tenant else Party.PARTNER


def shared_key(row: Row) -> dict[str, Any]:
    """The id and both sides of a shared row, for another row that hangs on it."""
    names = ("id", "buyer_tenant_id", "partner_tenant_id", "buyer_party_id", "partner_party_id")
    return {name: row[name] for name in names}


async def record_both(
    uow: "UnitOfWork",
    kind: EventType,
    row: Row,
    *,
    subject: str,
    version: tuple[int | None, int | None] = (None, None),
    work_order_id: UUID | None = None,
    data: Mapping[str, object],
) -> None:
    """Record a fact about a shared row in both logs; ``role`` tells each which side it is."""
    mine = side(uow, row)
    uow.record(
        kind,
        subject=subject,
        version=version,
        work_order_id=work_order_id,
        data={**data, "role": mine.value},
    )
    await tell(uow, kind, row, subject=subject, version=version, data={**data, "role": mine.other.value})


async def tell(
    uow: "UnitOfWork",
    kind: EventType,
    row: Row,
    *,
    subject: str,
    version: tuple[int | None, int | None] = (None, None),
    data: Mapping[str, object],
) -> None:
    """Append an event to the other party's log, sealed for that tenant."""
    mine = side(uow, row)
    actor = Actor("party", encode_id("pty", row[f"{mine}_party_id"]))
    counterparty: UUID = row[f"{mine.other}_tenant_id"]
    now = uow.clock.now()
    event = Event(
        id=uuid7(), type=kind.name, subject=subject, version=version, work_order_id=None, data=data, changes={}
    )
    sealed = seal(event, tenant_id=counterparty, actor=actor, at=now, request_id=None, reason=None, live=uow.livemode)
    await uow.execute(
        _TELL,
        counterparty=counterparty,
        shared=row["id"],
        event_id=event.id,
        kind=event.type,
        subject=subject,
        actor=actor.id,
        at=now,
        payload=sealed.payload,
        leaf=sealed.leaf_hash,
    )
