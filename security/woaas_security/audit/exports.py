"""Audit bundles: asked for by a request, written by a reader of the log (`exporting`), downloaded by whoever asked."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import Conflict, Forbidden, Gone, NotFound, NotReady
from woaas_core.events.envelope import event_type
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.wire import Body, Instant, invalid
from woaas_security.audit.models import audit_exports
from woaas_security.audit.resources import AUDIT_ENTRY, AUDIT_EXPORT
from woaas_security.file_parts import Slice
from woaas_security.oauth.scopes import API_SCOPES
from woaas_security.on_behalf import asked_by
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=7)
PART_BYTES = 1 << 20

REQUESTED = event_type("audit_export.requested", "An audit bundle was asked for.")
FINISHED = event_type("audit_export.finished", "An audit bundle was written.")

_E = audit_exports.c
_INSERT = insert_row(audit_exports)
GET = Statement(select(audit_exports).where(_E.tenant_id == bindparam("tenant_id"), _E.id == bindparam("export_id")))
_PART = Statement.text(
    "SELECT content FROM audit_export_parts WHERE tenant_id = $1 AND export_id = $2 AND part = $3",
    *("tenant_id", "export_id", "part"),
)
_FORGET_PARTS = Statement.text(
    """
    DELETE FROM audit_export_parts p USING audit_exports e
    WHERE p.tenant_id = $1 AND e.tenant_id = $1 AND e.id = p.export_id AND e.expires_at <= $2
    """,
    "tenant_id",
    "now",
)


class ExportFilter(Body, kw_only=True):
    """Which entries of the range; a filtered bundle proves each entry, not that there were no others."""

    work_order_id: str | UnsetType = UNSET
    actor: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class NewExport(Body, kw_only=True, rename={"since": "from", "until": "to"}):
    """A bundle to write: indexes ``[from, to)``, or times widened to the smallest range of indexes that holds them."""

    since: int | Instant | UnsetType | None = UNSET
    until: int | Instant | UnsetType | None = UNSET
    filter: ExportFilter | UnsetType | None = UNSET
    format: Literal["jsonl", "csv", "parquet", "pdf"] | UnsetType = UNSET


async def request_export(uow: "UnitOfWork", principal: Principal, body: NewExport) -> dict[str, Any]:
    """Queue a bundle; it is written under the rights its requester has at that time.

    Without an upper bound it holds everything recorded before the request, and the request itself.
    """
    principal.require(AUDIT_EXPORT, "create")
    require_payload(principal)
    sent: dict[str, Any] = msgspec.to_builtins(body)  # what was left out stays out
    if isinstance(body.since, int) != isinstance(body.until, int) and UNSET not in (body.since, body.until):
        raise invalid("/to", "invalid", "Give both bounds as indexes or both as times.")
    _check_filter(sent.get("filter") or {})
    values: dict[str, Any] = {
        "id": uuid7(),
        "status": "queued",
        "request": {k: v for k, v in sent.items() if v is not None},
        "requested_by": asked_by(principal),
        "first_index": None,
        "end_index": None,
        "entries_done": None,
        "entries_total": None,
        "sha256": None,
        "size_bytes": None,
        "error": None,
        "created_at": uow.clock.now(),
        "finished_at": None,
        "expires_at": None,
    }
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)
    values["progress"] = "0"
    export_id = encode_id("axp", values["id"])
    uow.record(REQUESTED, subject=export_id, data={"export_id": export_id, **values["request"]})
    return values


async def get_export(uow: "UnitOfWork", principal: Principal, export_id: UUID) -> "Record":
    """The state of a bundle."""
    principal.require(AUDIT_EXPORT, "read")
    row = await uow.first(GET, tenant_id=uow.tenant, export_id=export_id)
    if row is None:
        raise NotFound
    return row


async def download(uow: "UnitOfWork", principal: Principal, export_id: UUID, start: int) -> Slice:
    """The part of a bundle that holds byte `start`, for who asked for it or for whoever has at least his rights.

    Raises:
        NotReady, Conflict, Gone: still being written, failed, expired.
    """
    row = await get_export(uow, principal, export_id)
    by, scopes = row["requested_by"], principal.scopes
    if scopes is not None and not scopes >= set(by.get("scopes") or API_SCOPES):
        raise NotFound
    asked_with = set(by["roles"])
    whole = not (principal.scope or principal.is_guest)
    is_own = str(principal.id) == by["id"] and principal.roles >= asked_with
    if not (is_own or (whole and (principal.roles >= asked_with or "owner" in principal.roles))):
        raise NotFound
    if row["status"] in ("queued", "running"):
        raise NotReady
    if row["status"] != "finished":
        raise Conflict(row["error"])
    if row["expires_at"] <= uow.clock.now():
        raise Gone
    part = start // PART_BYTES
    content = await uow.value(_PART, tenant_id=uow.tenant, export_id=export_id, part=part)
    return Slice(row, part * PART_BYTES, content or b"")


async def forget_expired(uow: "UnitOfWork") -> int:
    """Delete the content of bundles past their time, in parts counted; that they were written stays known."""
    return await uow.execute(_FORGET_PARTS, tenant_id=uow.tenant, now=uow.clock.now())


def require_payload(principal: Principal) -> None:
    """A bundle holds entries byte for byte: what is public in their events cannot be left out for anybody.

    Raises:
        Forbidden: policies hide the payload of entries.
    """
    if "payload" not in principal.access(AUDIT_ENTRY).readable:
        msg = "Your role does not show the payload of audit entries, of which a bundle is made."
        raise Forbidden(msg)


def _check_filter(plain: dict[str, Any]) -> None:
    order = plain.get("work_order_id")
    if order is not None and try_decode_id("wo", order) is None:
        raise invalid("/filter/work_order_id", "invalid", f"{order!r} is not the id of a work order.")
