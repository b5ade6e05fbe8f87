"""Audit bundles: asked for by a request, written by a reader of the log, downloaded by whoever asked.

The reader writes a bundle in the transaction that moves its cursor, so each request is served exactly once and a
killed process starts it over.
"""

import base64
import hashlib
import tempfile
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import Conflict, DomainError, Gone, Invalid, NotFound, NotReady
from woaas_core.events.envelope import event_type
from woaas_core.events.readers import LoggedEvent, NotYet, Reader
from woaas_core.ids import decode_id, encode_id, try_decode_id, uuid7
from woaas_core.wire import Body, Instant, invalid
from woaas_security.audit import evidence, store
from woaas_security.audit.bundle import MAX_INCLUSION_PROOFS, BundleScope, BundleWriter, ExportedEntry, Opening
from woaas_security.audit.models import audit_export_parts, audit_exports
from woaas_security.audit.proofs import Plan, plan_consistency, plan_inclusion, plan_range
from woaas_security.audit.resources import AUDIT_EXPORT
from woaas_security.authz.policy import PolicyCache
from woaas_security.oauth.scopes import API_SCOPES
from woaas_security.permissions import repository as permissions
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=7)
_PART_BYTES = 1 << 20
_PAGE = 1_000

REQUESTED = event_type("audit_export.requested", "An audit bundle was asked for.")
FINISHED = event_type("audit_export.finished", "An audit bundle was written.")

_E = audit_exports.c
_INSERT = insert_row(audit_exports)
_GET = Statement(select(audit_exports).where(_E.tenant_id == bindparam("tenant_id"), _E.id == bindparam("export_id")))
_FINISH = Statement(
    update(audit_exports)
    .where(_E.tenant_id == bindparam("tenant_key"), _E.id == bindparam("id_key"))
    .values({c: bindparam(c.name) for c in audit_exports.columns if c.name in {
        "status", "first_index", "end_index", "sha256", "size_bytes", "error", "finished_at", "expires_at"}})
)  # fmt: skip
_INSERT_PART = insert_row(audit_export_parts)
_PARTS = Statement(
    select(audit_export_parts.c.content)
    .where(audit_export_parts.c.tenant_id == bindparam("tenant_id"))
    .where(audit_export_parts.c.export_id == bindparam("export_id"))
    .order_by(audit_export_parts.c.part)
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
    format: Literal["jsonl"] | UnsetType = UNSET


async def request_export(uow: "UnitOfWork", principal: Principal, body: NewExport) -> dict[str, Any]:
    """Queue a bundle; it is written under the rights its requester has at that time.

    Without an upper bound it holds everything recorded before the request, and the request itself.
    """
    principal.require(AUDIT_EXPORT, "create")
    sent: dict[str, Any] = msgspec.to_builtins(body)  # what was left out stays out
    if isinstance(body.since, int) != isinstance(body.until, int) and UNSET not in (body.since, body.until):
        raise invalid("/to", "invalid", "Give both bounds as indexes or both as times.")
    _check_filter(sent.get("filter") or {})
    values: dict[str, Any] = {
        "id": uuid7(),
        "status": "queued",
        "request": {k: v for k, v in sent.items() if v is not None},
        "requested_by": {
            "kind": principal.kind,
            "roles": sorted(principal.roles),
            "id": str(principal.id),
            "scopes": None if principal.scopes is None else sorted(principal.scopes),
        },
        "first_index": None,
        "end_index": None,
        "sha256": None,
        "size_bytes": None,
        "error": None,
        "created_at": uow.clock.now(),
        "finished_at": None,
        "expires_at": None,
    }
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)
    export_id = encode_id("axp", values["id"])
    uow.record(REQUESTED, subject=export_id, data={"export_id": export_id, **values["request"]})
    return values


async def get_export(uow: "UnitOfWork", principal: Principal, export_id: UUID) -> "Record":
    """The state of a bundle."""
    principal.require(AUDIT_EXPORT, "read")
    row = await uow.first(_GET, tenant_id=uow.tenant, export_id=export_id)
    if row is None:
        raise NotFound
    return row


async def download(uow: "UnitOfWork", principal: Principal, export_id: UUID) -> tuple["Record", bytes]:
    """The bundle itself, for the one who asked for it or for whoever has at least his rights.

    Raises:
        NotReady, Conflict, Gone: still being written, failed, expired.
    """
    row = await get_export(uow, principal, export_id)
    by, scopes = row["requested_by"], principal.scopes
    is_within = scopes is None or scopes >= set(by.get("scopes") or API_SCOPES)
    if not is_within or (not principal.roles >= set(by["roles"]) and "owner" not in principal.roles):
        raise NotFound
    if row["status"] == "queued":
        raise NotReady
    if row["status"] != "finished":
        raise Conflict(row["error"])
    if row["expires_at"] <= uow.clock.now():
        raise Gone
    parts = await uow.all(_PARTS, tenant_id=uow.tenant, export_id=export_id)
    return row, b"".join(part["content"] for part in parts)


async def forget_expired(uow: "UnitOfWork") -> int:
    """Delete the content of bundles past their time, in parts counted; that they were written stays known."""
    return await uow.execute(_FORGET_PARTS, tenant_id=uow.tenant, now=uow.clock.now())


def export_reader(subjects: evidence.Subjects, *, origin: str, policies: PolicyCache) -> Reader:
    """The reader that writes bundles."""

    async def handle(uow: "UnitOfWork", event: LoggedEvent) -> None:
        row = await uow.first(_GET, tenant_id=uow.tenant, export_id=decode_id("axp", event.subject))
        if row is None or row["status"] != "queued":
            return
        outcome: dict[str, Any] = dict.fromkeys(("first_index", "end_index", "sha256", "size_bytes", "error"))
        try:
            outcome |= await _write(uow, row, await _covering(uow, event.index), subjects, origin, policies)
            status = "finished"
        except DomainError as error:
            # What this request asks for cannot be had; the bundles asked for after it must not wait behind it.
            outcome["error"], status = error.detail, "failed"
        now = uow.clock.now()
        outcome |= {"status": status, "finished_at": now, "expires_at": now + KEPT_FOR}
        await uow.execute(_FINISH, tenant_key=uow.tenant, id_key=row["id"], **outcome)
        uow.record(FINISHED, subject=event.subject, data={"status": status, "sha256": outcome["sha256"]})

    return Reader("audit_exports", frozenset({REQUESTED.name}), handle, is_awaited=False)


async def _covering(uow: "UnitOfWork", index: int) -> "Record":
    """The newest checkpoint, once it covers the request's own entry and with it all that was recorded before.

    Raises:
        NotYet: it does not; the sequencer signs a growing log every second.
    """
    latest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    if latest is None or latest["size"] <= index:
        raise NotYet
    return latest


async def _write(
    uow: "UnitOfWork",
    row: "Record",
    checkpoint: "Record",
    subjects: evidence.Subjects,
    origin: str,
    policies: PolicyCache,
) -> dict[str, Any]:
    principal = await _requester(uow, row, policies)
    size = checkpoint["size"]
    first, end = await _range(uow, row["request"], size)
    older = await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=max(first, 1) + 1, limit=1)
    previous = older[0] if older and older[0]["size"] < size else None
    wanted = _filter(row["request"].get("filter"))
    where = wanted or evidence.EntryFilter()
    indexes = [r["index"] for r in await uow.all(store.RANGE_INDEXES, tenant_id=uow.tenant, start=first, end=end,
                                                 **where._asdict())]  # fmt: skip
    plans = _plans(indexes, first, end, size, previous["size"] if previous else 0, filtered=wanted is not None)
    hashes = await evidence.hashes_for(uow, plans)
    scope = BundleScope(
        encode_id("ten", uow.tenant), first, end, filter=row["request"].get("filter"), requested=row["request"]
    )
    vkeys = [str(key) for key, _ in await evidence.verifier_keys(uow, origin)]
    with tempfile.SpooledTemporaryFile(64 << 20) as file:
        with BundleWriter(
            file,  # type: ignore[arg-type]  # a spooled file is a binary file but for its declared base
            scope,
            checkpoint=checkpoint["note"],
            vkeys=vkeys,
            hashes=hashes,
            previous_checkpoint=previous["note"] if previous else None,
        ) as writer:
            for start in range(first, end, _PAGE):
                rows = await uow.all(
                    store.RANGE, tenant_id=uow.tenant, start=start, end=min(start + _PAGE, end), **where._asdict()
                )
                writer.add(_exported(principal, r, subjects) for r in rows)
        return {"first_index": first, "end_index": end, **await _store(uow, row["id"], file)}


async def _store(uow: "UnitOfWork", export_id: UUID, file: Any) -> dict[str, Any]:
    digest, size, part = hashlib.sha256(), 0, 0
    file.seek(0)
    while content := file.read(_PART_BYTES):
        digest.update(content)
        size += len(content)
        await uow.execute(_INSERT_PART, tenant_id=uow.tenant, export_id=export_id, part=part, content=content)
        part += 1
    return {"sha256": digest.hexdigest(), "size_bytes": size}


def _exported(principal: Principal, row: "Record", subjects: evidence.Subjects) -> ExportedEntry:
    subject = msgspec.json.decode(row["payload"], type=_Subject).subject
    openings = [
        Opening(field, base64.b64decode(salt), value)
        for field, (salt, value) in evidence.readable_openings(principal, subject, row["openings"] or {}, subjects)
    ]
    return ExportedEntry(row["index"], bytes(row["payload"]), bytes(row["leaf_hash"]), openings)


class _Subject(msgspec.Struct):
    subject: str


def _plans(indexes: list[int], first: int, end: int, size: int, previous_size: int, *, filtered: bool) -> list[Plan]:
    """Everything the bundle will prove, so that the tiles are fetched at once."""
    plans: list[Plan] = []
    if filtered or end - first <= MAX_INCLUSION_PROOFS:
        plans += [plan_inclusion(index, size) for index in indexes]
    else:
        covering = plan_range(first, end, size)
        plans += [[[node] for node in (*covering.left, *covering.right)]]
    if previous_size:
        plans.append(plan_consistency(previous_size, size))
    return plans


async def _range(uow: "UnitOfWork", request: dict[str, Any], size: int) -> tuple[int, int]:
    since, until = request.get("from"), request.get("to")
    if isinstance(since, str) or isinstance(until, str):
        row = await uow.first(
            store.COVERING,
            tenant_id=uow.tenant,
            since=datetime.fromisoformat(since) if since else None,
            until=datetime.fromisoformat(until) if until else None,
        )
        first = row["first"] if row and row["first"] is not None else size
        return min(first, size), min(row["end"] if row and row["end"] is not None else size, size)
    first, end = since or 0, size if until is None else min(until, size)
    if not 0 <= first <= end:
        msg = f"from and to are log indexes with 0 <= from <= to; the log has {size} signed entries."
        raise Invalid(msg)
    return first, end


def _check_filter(plain: dict[str, Any]) -> None:
    order = plain.get("work_order_id")
    if order is not None and try_decode_id("wo", order) is None:
        raise invalid("/filter/work_order_id", "invalid", f"{order!r} is not the id of a work order.")


def _filter(plain: dict[str, Any] | None) -> evidence.EntryFilter | None:
    if not plain:
        return None
    order = plain.get("work_order_id")
    return evidence.EntryFilter(
        work_order_id=decode_id("wo", order) if order else None, actor=plain.get("actor"), type=plain.get("type")
    )


async def _requester(uow: "UnitOfWork", row: "Record", policies: PolicyCache) -> Principal:
    tenant = await tenants.get(uow)
    version = tenant["policy_version"]
    policy = policies.find(uow.tenant, version) or policies.put(uow.tenant, version, await permissions.own_policy(uow))
    by = row["requested_by"]
    return Principal(
        tenant_id=uow.tenant,
        kind=by["kind"],
        id=UUID(by["id"]),
        name="",
        roles=frozenset(by["roles"]),
        livemode=tenant["livemode"],
        organisation_id=tenant["organisation_id"],
        customer=None,
        releases_limited=False,
        policy=policy,
        scopes=None if by.get("scopes") is None else frozenset(by["scopes"]),
    )
