"""All SQL about the market. What reaches into another tenant goes through the definer functions of the migration."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Uuid, bindparam, select, update

from woaas_capacity_market import models, views
from woaas_core.db.statements import Statement, insert_row

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_KEPT = frozenset({"tenant_id", "id", "buyer_tenant_id", "partner_tenant_id", "created_at"})


def _update(table: Table) -> Statement:
    """UPDATE every column that may change; a two-party row is found by id alone, row-level security does the rest."""
    where = [table.c.id == bindparam("id_key")]
    if "tenant_id" in table.c:
        where.append(table.c.tenant_id == bindparam("tenant_key"))
    values: dict[Any, Any] = {c: bindparam(c.name) for c in table.columns if c.name not in _KEPT}
    return Statement(update(table).where(*where).values(values))


def _own(view: Table) -> Statement:
    return Statement(select(view).where(view.c.tenant_id == bindparam("tenant_id"), view.c.id == bindparam("id")))


def _lock(table: Table) -> Statement:
    return Statement(select(table).where(table.c.id == bindparam("id")).with_for_update())


_ENSURE_PARTY = Statement.text(
    "INSERT INTO market_parties AS p (tenant_id, id, created_at) VALUES ($1, $2, $3) "
    "ON CONFLICT (tenant_id) DO UPDATE SET id = p.id RETURNING id",
    "tenant_id",
    "id",
    "created_at",
)
_SHOWN = {
    view.name: _own(view)
    for view in (views.own_listings, views.own_requests, views.own_ndas, views.own_quotes, views.own_contracts)
}
_LOCKED = {
    table.name: _lock(table)
    for table in (models.market_listings, models.market_requests, models.market_quotes, models.market_contracts)
}
_INSERTED = {
    table.name: insert_row(table)
    for table in (
        models.market_listings,
        models.market_requests,
        models.market_ndas,
        models.market_quotes,
        models.market_contracts,
        models.market_packages,
        models.market_openings,
        models.market_settlements,
    )
}
_UPDATED = {
    table.name: _update(table)
    for table in (models.market_listings, models.market_requests, models.market_quotes, models.market_contracts)
}
_Q, _N = models.market_quotes.c, models.market_ndas.c
_OPEN_REQUEST_OF = Statement.text(
    "SELECT id FROM market_requests WHERE tenant_id = $1 AND operation_id = $2 "
    "AND state IN ('draft', 'published', 'quoting', 'awarded')",
    "tenant_id",
    "operation_id",
)
_OPEN_QUOTES_OF = Statement.text(
    "SELECT * FROM market_quotes WHERE buyer_tenant_id = $1 AND request_id = $2 "
    "AND state IN ('submitted', 'countered', 'accepted') ORDER BY id FOR UPDATE",
    "tenant_id",
    "request_id",
)
_OPEN_QUOTE_BY = Statement.text(
    "SELECT id FROM market_quotes WHERE partner_tenant_id = $1 AND request_id = $2 "
    "AND state IN ('submitted', 'countered', 'accepted')",
    "tenant_id",
    "request_id",
)
_QUOTE = Statement(select(models.market_quotes).where(_Q.id == bindparam("id")))
_NDA_OF = Statement(
    select(models.market_ndas).where(
        _N.partner_tenant_id == bindparam("tenant_id"), _N.request_id == bindparam("request_id")
    )
)
_EXPIRED = Statement.text(
    "SELECT id FROM market_requests WHERE tenant_id = $1 AND state IN ('published', 'quoting') "
    "AND expires_at <= $2 ORDER BY id LIMIT $3",
    "tenant_id",
    "now",
    "limit",
)
_PACKAGE = Statement(select(models.market_packages).where(models.market_packages.c.id == bindparam("id")))
_CONTRACT = Statement(select(models.market_contracts).where(models.market_contracts.c.id == bindparam("id")))
_OPENINGS = Statement.text(
    "SELECT * FROM market_openings WHERE contract_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY id",
    "contract_id",
    "now",
)
_OFFERED_OF_ORDER = Statement.text(
    "SELECT id FROM market_requests WHERE tenant_id = $1 AND work_order_id = $2 "
    "AND state IN ('draft', 'published', 'quoting') ORDER BY id",
    "tenant_id",
    "order_id",
)
_CLOSE_OPENINGS = Statement.text(
    "UPDATE market_openings SET revoked_at = $2 WHERE revoked_at IS NULL AND contract_id IN "
    "(SELECT contract_id FROM market_requests WHERE tenant_id = $1 AND work_order_id = $3)",
    "tenant_id",
    "now",
    "order_id",
)
_CLOSE_OPENING = Statement.text("UPDATE market_openings SET revoked_at = $2 WHERE id = $1", "id", "now")
_OWN_OPEN = Statement(
    select(views.own_listings).where(
        views.own_listings.c.tenant_id == bindparam("tenant_id"), views.own_listings.c.state == "open"
    )
)
_TEASER = Statement(select(models.market_teasers).where(models.market_teasers.c.id == bindparam("id")))
_OPEN_LISTINGS = Statement.text("SELECT * FROM market_open_listings($1, $2)", "process", "equipment_class")
_PUBLISH = Statement.text("SELECT market_publish_teaser($1)", "request_id")
_REMOVE = Statement.text("SELECT market_remove_teaser($1)", "request_id")
_MEET = Statement.text("SELECT * FROM market_meet($1, $2)", "request_id", "now")
_NOTE_QUOTING = Statement.text("SELECT market_note_quoting($1, $2, $3)", "request_id", "quoting_state", "now")
_COMMIT = Statement.text(
    "SELECT * FROM market_commit_capacity($1, $2, $3, $4)", "quote_id", "contract_id", "not_before", "due_at"
)
_RELEASE = Statement.text("SELECT market_release_capacity($1, $2)", "contract_id", "now")


def of_request() -> ColumnElement[bool]:
    """The condition of a list of quotes under one request; its parameter is ``request_id``."""
    return views.own_quotes.c.request_id == bindparam("request_id", type_=Uuid)


def still_open() -> ColumnElement[bool]:
    """The condition of the board: not expired at ``now``."""
    return views.board.c.expires_at > bindparam("now", type_=views.board.c.expires_at.type)


async def ensure_party(uow: "UnitOfWork", fresh: UUID) -> UUID:
    """The entered tenant's pseudonym; ``fresh`` becomes it the first time."""
    party: UUID = await uow.value(_ENSURE_PARTY, tenant_id=uow.tenant, id=fresh, created_at=uow.clock.now())
    return party


async def shown(uow: "UnitOfWork", view: Table, row_id: UUID) -> "Record | None":
    """An object as the entered tenant sees it."""
    return await uow.first(_SHOWN[view.name], tenant_id=uow.tenant, id=row_id)


async def lock(uow: "UnitOfWork", table: Table, row_id: UUID) -> "Record | None":
    """A row locked for a command; row-level security finds it only for its tenant or its two parties."""
    return await uow.first(_LOCKED[table.name], id=row_id)


async def insert(uow: "UnitOfWork", table: Table, values: Mapping[str, object]) -> None:
    """Add a row."""
    await uow.execute(_INSERTED[table.name], **values)


async def write(uow: "UnitOfWork", table: Table, row: "Record", **changes: object) -> dict[str, object]:
    """Change a locked row and raise its version; returns it as it is now."""
    after = {**dict(row), **changes, "version": row["version"] + 1, "updated_at": uow.clock.now()}
    await uow.execute(_UPDATED[table.name], id_key=row["id"], tenant_key=uow.tenant, **after)
    return after


async def open_request_of(uow: "UnitOfWork", operation_id: UUID) -> UUID | None:
    """The request that is out for an operation, if any."""
    found: UUID | None = await uow.value(_OPEN_REQUEST_OF, tenant_id=uow.tenant, operation_id=operation_id)
    return found


async def lock_open_quotes(uow: "UnitOfWork", request_id: UUID) -> "list[Record]":
    """The quotes of an own request that are still open, locked."""
    return await uow.all(_OPEN_QUOTES_OF, tenant_id=uow.tenant, request_id=request_id)


async def open_quote_by(uow: "UnitOfWork", request_id: UUID) -> UUID | None:
    """The entered tenant's own open quote on a request."""
    found: UUID | None = await uow.value(_OPEN_QUOTE_BY, tenant_id=uow.tenant, request_id=request_id)
    return found


async def quote(uow: "UnitOfWork", quote_id: UUID) -> "Record | None":
    """A quote of the entered tenant, on either side."""
    return await uow.first(_QUOTE, id=quote_id)


async def own_nda(uow: "UnitOfWork", request_id: UUID) -> "Record | None":
    """The agreement the entered tenant has signed for a request."""
    return await uow.first(_NDA_OF, tenant_id=uow.tenant, request_id=request_id)


async def expired_requests(uow: "UnitOfWork", *, limit: int) -> list[UUID]:
    """Requests on the board whose time has run out."""
    rows = await uow.all(_EXPIRED, tenant_id=uow.tenant, now=uow.clock.now(), limit=limit)
    return [r["id"] for r in rows]


async def package(uow: "UnitOfWork", contract_id: UUID) -> "Record | None":
    """The released package of a contract."""
    return await uow.first(_PACKAGE, id=contract_id)


async def both_sides(uow: "UnitOfWork", contract_id: UUID) -> "Record | None":
    """A contract's own row, with the keys of both parties."""
    return await uow.first(_CONTRACT, id=contract_id)


async def openings(uow: "UnitOfWork", contract_id: UUID) -> "list[Record]":
    """What grants open to the partner at this moment."""
    return await uow.all(_OPENINGS, contract_id=contract_id, now=uow.clock.now())


async def close_opening(uow: "UnitOfWork", grant_id: UUID) -> None:
    """End what a grant opened."""
    await uow.execute(_CLOSE_OPENING, id=grant_id, now=uow.clock.now())


async def offered_of_order(uow: "UnitOfWork", order_id: UUID) -> list[UUID]:
    """An order's requests that no contract has come of yet."""
    rows = await uow.all(_OFFERED_OF_ORDER, tenant_id=uow.tenant, order_id=order_id)
    return [r["id"] for r in rows]


async def close_openings_of_order(uow: "UnitOfWork", order_id: UUID) -> None:
    """End whatever grants have opened of an order to partners."""
    await uow.execute(_CLOSE_OPENINGS, tenant_id=uow.tenant, now=uow.clock.now(), order_id=order_id)


async def teaser(uow: "UnitOfWork", request_id: UUID) -> "Record | None":
    """The teaser of a request on the board."""
    return await uow.first(_TEASER, id=request_id)


async def own_open_listings(uow: "UnitOfWork") -> "list[Record]":
    """The entered tenant's open listings."""
    return await uow.all(_OWN_OPEN, tenant_id=uow.tenant)


async def open_listings(uow: "UnitOfWork", *, process: str | None, equipment_class: str | None) -> "list[Record]":
    """Open listings of the other tenants of the same mode: the one look across tenants that matching takes."""
    return await uow.all(_OPEN_LISTINGS, process=process, equipment_class=equipment_class)


async def publish_teaser(uow: "UnitOfWork", request_id: UUID) -> None:
    """Copy a published request's public columns onto the board."""
    await uow.execute(_PUBLISH, request_id=request_id)


async def remove_teaser(uow: "UnitOfWork", request_id: UUID) -> None:
    """Take a request off the board."""
    await uow.execute(_REMOVE, request_id=request_id)


async def meet(uow: "UnitOfWork", request_id: UUID) -> "Record | None":
    """Another tenant's request on the board, locked: its tenant and pseudonym, state, currency and NDA details."""
    return await uow.first(_MEET, request_id=request_id, now=uow.clock.now())


async def note_quoting(uow: "UnitOfWork", request_id: UUID, state: str) -> None:
    """Let a met request know that a quote has come in."""
    await uow.execute(_NOTE_QUOTING, request_id=request_id, quoting_state=state, now=uow.clock.now())


async def commit_capacity(
    uow: "UnitOfWork", *, quote_id: UUID, contract_id: UUID, not_before: datetime, due_at: datetime
) -> "Record | None":
    """Take the earliest free window of a quote's listing for a contract; locks the listing; None when all is taken."""
    return await uow.first(_COMMIT, quote_id=quote_id, contract_id=contract_id, not_before=not_before, due_at=due_at)


async def release_capacity(uow: "UnitOfWork", contract_id: UUID) -> None:
    """Give the window of a contract back."""
    await uow.execute(_RELEASE, contract_id=contract_id, now=uow.clock.now())
