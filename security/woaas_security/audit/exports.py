"""Audit bundles: asked for by a request, written by a reader of the log, downloaded by whoever asked.

The reader writes a bundle in the transaction that moves its cursor, so each request is served exactly once and a
killed process starts it over. Memory is bounded: entries go page by page through a file into parts of one MiB, and are
downloaded by part.
"""

import base64
import hashlib
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
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
from woaas_security.audit.bundle import BundleScope, BundleWriter, ExportedEntry, Opening, proves_each
from woaas_security.audit.models import audit_export_parts, audit_exports
from woaas_security.audit.proofs import plan_consistency, plan_inclusion, plan_range
from woaas_security.audit.resources import AUDIT_EXPORT
from woaas_security.identity.service import Authenticator
from woaas_security.oauth.scopes import API_SCOPES
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=7)
WAIT_FOR_WITNESSES = timedelta(minutes=1)
PART_BYTES = 1 << 20
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
    format: Literal["jsonl", "csv"] | UnsetType = UNSET


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
            "customer": principal.customer,
            "scope": dict(principal.scope),
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


class Slice(NamedTuple):
    """A part of a bundle: `content` begins at byte `start` of all."""

    export: "Record"
    start: int
    content: bytes


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
    if row["status"] == "queued":
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


def export_reader(subjects: evidence.Subjects, *, origin: str, authenticator: Authenticator) -> Reader:
    """The reader that writes bundles."""

    async def handle(uow: "UnitOfWork", event: LoggedEvent) -> None:
        row = await uow.first(_GET, tenant_id=uow.tenant, export_id=decode_id("axp", event.subject))
        if row is None or row["status"] != "queued":
            return
        outcome: dict[str, Any] = dict.fromkeys(("first_index", "end_index", "sha256", "size_bytes", "error"))
        try:
            outcome |= await _write(uow, row, await _covering(uow, event), subjects, origin, authenticator)
            status = "finished"
        except DomainError as error:
            # What this request asks for cannot be had; the bundles asked for after it must not wait behind it.
            outcome["error"], status = error.detail, "failed"
        now = uow.clock.now()
        outcome |= {"status": status, "finished_at": now, "expires_at": now + KEPT_FOR}
        await uow.execute(_FINISH, tenant_key=uow.tenant, id_key=row["id"], **outcome)
        uow.record(FINISHED, subject=event.subject, data={"status": status, "sha256": outcome["sha256"]})

    return Reader("audit_exports", frozenset({REQUESTED.name}), handle, is_awaited=False)


class RightsEnded(DomainError):
    """Whoever asked for the bundle has no longer the rights he asked with."""

    code = "rights_ended"
    title = "The rights the bundle was asked for with have ended"
    status = 409
    hint = "Ask for it again with a key or account that is valid now."


async def _covering(uow: "UnitOfWork", event: LoggedEvent) -> "Record":
    """The newest checkpoint that covers the request's own entry and with it all that was recorded before.

    Where witnesses have cosigned lately, one that they cosigned; if they are away, for a minute's wait, any.

    Raises:
        NotYet: there is none; the sequencer signs a growing log every second.
    """
    latest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    if latest is None or latest["size"] <= event.index:
        raise NotYet
    cosigned = await uow.first(store.COSIGNED, tenant_id=uow.tenant, beyond=event.index)
    now = uow.clock.now()
    if cosigned is None and now - event.recorded_at < WAIT_FOR_WITNESSES:
        lately = now - timedelta(hours=1)
        if await uow.value(store.WITNESSED_SINCE, tenant_id=uow.tenant, since=lately):
            raise NotYet
    return cosigned or latest


async def _write(
    uow: "UnitOfWork",
    row: "Record",
    checkpoint: "Record",
    subjects: evidence.Subjects,
    origin: str,
    authenticator: Authenticator,
) -> dict[str, Any]:
    principal = await _requester(uow, row["requested_by"], authenticator)
    size = checkpoint["size"]
    first, end = await _range(uow, row["request"], size)
    older = await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=max(first, 1) + 1, limit=1)
    previous = older[0] if older and older[0]["size"] < size else None
    wanted = _filter(row["request"].get("filter"))
    scope = BundleScope(
        encode_id("ten", uow.tenant), first, end, filter=row["request"].get("filter"), requested=row["request"]
    )
    plans = [plan_consistency(previous["size"], size)] if previous and previous["size"] else []
    if not proves_each(scope):
        covering = plan_range(first, end, size)
        plans.append([[node] for node in (*covering.left, *covering.right)])
    name = store.origin_of(origin, uow.tenant)
    trail = await uow.all(
        store.TRAIL, tenant_id=uow.tenant, first=first, end=end, until=checkpoint["signed_at"], origin=name
    )
    with tempfile.TemporaryFile() as file:
        with BundleWriter(
            file,
            scope,
            checkpoint=checkpoint["note"],
            vkeys=[str(one.key) for one in await evidence.verifier_keys(uow, origin)],
            hashes=await evidence.hashes_for(uow, plans),
            previous_checkpoint=previous["note"] if previous else None,
            trail=(one["note"] for one in trail),
            has_table=row["request"].get("format") == "csv",
        ) as writer:
            where = (wanted or evidence.EntryFilter())._asdict()
            for start in range(first, end, _PAGE):
                rows = await uow.all(
                    store.RANGE, tenant_id=uow.tenant, start=start, end=min(start + _PAGE, end), **where
                )
                entries = [_exported(principal, one, subjects) for one in rows]
                if proves_each(scope):
                    # By page, so that the tiles of a filtered export of a long log are never all in memory.
                    needed = [plan_inclusion(one.index, size) for one in entries]
                    writer.add(entries, await evidence.hashes_for(uow, needed))
                else:
                    writer.add(entries)
        return {"first_index": first, "end_index": end, **await _store(uow, row["id"], file)}


async def _store(uow: "UnitOfWork", export_id: UUID, file: Any) -> dict[str, Any]:
    digest, size, part = hashlib.sha256(), 0, 0
    file.seek(0)
    while content := file.read(PART_BYTES):
        digest.update(content)
        size += len(content)
        await uow.execute(_INSERT_PART, tenant_id=uow.tenant, export_id=export_id, part=part, content=content)
        part += 1
    return {"sha256": digest.hexdigest(), "size_bytes": size}


def _exported(principal: Principal, row: "Record", subjects: evidence.Subjects) -> ExportedEntry:
    """An entry as far as its reader may see it: withheld where its open members tell of what his mask hides."""
    leaf = bytes(row["payload"])
    subject = evidence.open_to(principal, leaf, subjects)
    if subject is None:
        return ExportedEntry(row["index"], None, bytes(row["leaf_hash"]))
    openings = [
        Opening(field, base64.b64decode(salt), value)
        for field, (salt, value) in evidence.readable_openings(principal, subject, row["openings"] or {}, subjects)
    ]
    return ExportedEntry(row["index"], leaf, bytes(row["leaf_hash"]), openings)


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


async def _requester(uow: "UnitOfWork", by: dict[str, Any], authenticator: Authenticator) -> Principal:
    """Who asked, with what is left of the rights he asked with.

    Raises:
        RightsEnded: his key or account has ended, or is now bound to another part of the tenant.
    """
    now = await authenticator.present(uow, by["kind"], UUID(by["id"]))
    if now is None or now.customer != by.get("customer") or now.scope != by.get("scope", {}):
        raise RightsEnded
    scopes = None if by.get("scopes") is None else frozenset(by["scopes"])
    left = replace(now, roles=now.roles & frozenset(by["roles"]), scopes=scopes)
    left.require(AUDIT_EXPORT, "create")
    return left
