"""The verifiable audit log."""

import base64
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.downloads import download_route, file_headers
from woaas_api.edge import Call
from woaas_api.endpoint import FEED, Query, route
from woaas_api.queries import read_instant
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import SUBJECTS
from woaas_core.errors import InvalidCursor, NotFound, UnknownParameter
from woaas_core.ids import decode_id, encode_id, try_decode_id, uuid7
from woaas_security.audit import evidence, exports, retention
from woaas_security.audit.resources import AUDIT_ARCHIVE, AUDIT_ENTRY, AUDIT_EXPORT, AUDIT_RETENTION

TAG = "Audit"
_OWN = ("work_order_id", "actor", "type", "subject", "from", "to")


class AuditEntry(Struct, kw_only=True):
    """An entry of the log; changes the caller may not read are null and named in `masked_fields`."""

    index: int
    id: str
    type: str
    at: datetime
    actor: dict[str, str]
    subject: str
    work_order: str | None
    request_id: str | None
    reason: str | None
    version: list[int | None]
    data: dict[str, Any]
    changes: dict[str, Any]
    leaf_hash: str
    masked_fields: list[str]


class AuditEntries(Struct, kw_only=True):
    """A page of entries; those with an index below `archived_before` are in no list, but in bundles and proofs."""

    data: list[AuditEntry]
    next_cursor: str | None
    archived_before: int


class RetentionView(View, kw_only=True):
    """After how many days entries are archived; null keeps all at hand."""

    archive_after_days: int | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    updated_at: datetime | None | UnsetType = UNSET


class ArchiveView(View, kw_only=True):
    """A stretch `[first_index, end_index)` of the log that was archived."""

    first_index: int | UnsetType = UNSET
    end_index: int | UnsetType = UNSET
    recorded_from: datetime | UnsetType = UNSET
    recorded_to: datetime | UnsetType = UNSET
    archived_at: datetime | UnsetType = UNSET


class AuditKey(Struct, kw_only=True):
    """A public key of the log, as a C2SP verifier key."""

    vkey: str
    first_used_at: datetime
    retired_at: datetime | None


class CheckpointView(Struct, kw_only=True):
    """A signed checkpoint."""

    size: int
    root: str
    note: str
    signed_at: datetime


class InclusionProof(Struct, kw_only=True):
    """Proves an entry to be in the tree of a size; hashes are base64."""

    index: int
    tree_size: int
    leaf_hash: str
    proof: list[str]


class ConsistencyProof(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    """Proves a tree to continue a smaller one; hashes are base64."""

    since: int
    until: int
    proof: list[str]


class ExportView(View, kw_only=True):
    """A bundle being written or ready."""

    status: str | UnsetType = UNSET
    progress: str | UnsetType = UNSET
    entries_done: int | None | UnsetType = UNSET
    entries_total: int | None | UnsetType = UNSET
    request: dict[str, Any] | UnsetType = UNSET
    first_index: int | None | UnsetType = UNSET
    end_index: int | None | UnsetType = UNSET
    sha256: str | None | UnsetType = UNSET
    size_bytes: int | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    download_url: str | None | UnsetType = UNSET


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@route(
    "GET",
    "/audit/entries",
    tag=TAG,
    paging=FEED,
    query=(
        Query("work_order_id", "Only entries about this order"),
        Query("actor", "Only entries of this actor"),
        Query("type", "Only entries of this event type"),
        Query("subject", "Only entries about this object"),
        Query("from", "Recorded at or after this time"),
        Query("to", "Recorded before this time"),
    ),
)
async def list_audit_entries(call: Call) -> Answer[AuditEntries]:
    """List audit entries, newest first, by `work_order_id`, `actor`, `type`, `subject`, `from` and `to`.

    Entries below `archived_before` are archived: `POST /v1/audit/exports` gives them in a bundle.
    """
    call.principal.require(AUDIT_ENTRY, "read")
    query = call.feed_query(*_OWN)
    own = query.own
    bound_to = f"audit|{call.principal.id}|{sorted(own.items())}"
    before: int | None = None
    if query.cursor:
        (value,) = call.edge.cursors.open(query.cursor, bound_to=bound_to)
        if not isinstance(value, int):
            raise InvalidCursor
        before = value
    order = own.get("work_order_id")
    wanted = evidence.EntryFilter(
        work_order_id=(try_decode_id("wo", order) or uuid7()) if order else None,
        actor=own.get("actor"),
        type=own.get("type"),
        subject=own.get("subject"),
        since=read_instant(own.get("from")),
        until=read_instant(own.get("to")),
    )
    found = await evidence.entries(call.uow, call.principal, wanted, SUBJECTS, before=before, limit=query.limit + 1)
    cursor = None
    if len(found) > query.limit:
        found.pop()
        cursor = call.edge.cursors.seal([found[-1]["index"]], bound_to=bound_to)
    archived = await evidence.archived_before(call.uow)
    return Answer({"data": found, "next_cursor": cursor, "archived_before": archived})


def _number(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        msg = f"{name} is a whole number."
        raise UnknownParameter(msg)
    return int(text)


@route(
    "GET",
    "/audit/entries/{index}/inclusion-proof",
    tag=TAG,
    query=(Query("tree_size", "A signed size; the newest if left out", type="integer"),),
)
async def get_inclusion_proof(call: Call, index: str) -> Answer[InclusionProof]:
    """Prove an entry to be in the log (RFC 6962), for `tree_size` or the newest size."""
    place = int(index) if index.isascii() and index.isdigit() and len(index) <= 15 else None
    if place is None:
        raise NotFound
    size = _number(call.request.query_params.get("tree_size"), "tree_size")
    proof = await evidence.inclusion_proof(call.uow, call.principal, place, size)
    shown = {**proof, "leaf_hash": _b64(proof["leaf_hash"]), "proof": [_b64(h) for h in proof["proof"]]}
    return Answer(shown)


@route("GET", "/audit/entries/{index}/tlog-proof", tag=TAG, media_type="text/plain; charset=utf-8")
async def get_tlog_proof(call: Call, index: str) -> Answer[str]:
    """Read the proof of an entry as one file (C2SP tlog-proof) that `woaas audit verify-entry` checks offline."""
    place = int(index) if index.isascii() and index.isdigit() and len(index) <= 15 else None
    if place is None:
        raise NotFound
    text = await evidence.tlog_proof(call.uow, call.principal, place, SUBJECTS)
    headers = {"Content-Disposition": f'attachment; filename="{place}.tlog-proof"'}
    return Answer(text.encode(), media_type="text/plain", headers=headers)


@route(
    "GET",
    "/audit/consistency-proof",
    tag=TAG,
    query=(
        Query("from", "The smaller tree's size", is_required=True, type="integer"),
        Query("to", "The larger tree's size", is_required=True, type="integer"),
    ),
)
async def get_consistency_proof(call: Call) -> Answer[ConsistencyProof]:
    """Prove the tree of size `to` to continue the tree of size `from`."""
    query = call.request.query_params
    old, new = _number(query.get("from"), "from"), _number(query.get("to"), "to")
    if old is None or new is None:
        msg = "Give the tree sizes from and to."
        raise UnknownParameter(msg)
    proof = await evidence.consistency_proof(call.uow, call.principal, old, new)
    return Answer({**proof, "proof": [_b64(h) for h in proof["proof"]]})


@route("GET", "/audit/keys", tag=TAG, paging=())
async def list_audit_keys(call: Call) -> Answer[Listed[AuditKey]]:
    """List the public keys of the log; pin them out of band."""
    call.principal.require(AUDIT_ENTRY, "read")
    keys = await evidence.verifier_keys(call.uow, call.edge.settings.audit_origin)
    data = [{"vkey": str(one.key), "first_used_at": one.first_used_at, "retired_at": one.retired_at} for one in keys]
    return Answer({"data": data, "next_cursor": None})


@route("GET", "/audit/checkpoints", tag=TAG, paging=FEED)
async def list_checkpoints(call: Call) -> Answer[Listed[CheckpointView]]:
    """List signed checkpoints, newest first."""
    call.principal.require(AUDIT_ENTRY, "read")
    query = call.feed_query()
    bound_to = f"checkpoints|{call.principal.id}"
    before: int | None = None
    if query.cursor:
        (value,) = call.edge.cursors.open(query.cursor, bound_to=bound_to)
        before = value if isinstance(value, int) else None
    rows = await evidence.checkpoints(call.uow, call.principal, before=before, limit=query.limit)
    data = [{"size": r["size"], "root": _b64(r["root"]), "note": r["note"], "signed_at": r["signed_at"]} for r in rows]
    full = len(rows) == query.limit
    cursor = call.edge.cursors.seal([rows[-1]["size"]], bound_to=bound_to) if full else None
    return Answer({"data": data, "next_cursor": cursor})


@route("GET", "/audit/checkpoints/latest", tag=TAG, media_type="text/plain; charset=utf-8")
async def get_latest_checkpoint(call: Call) -> Answer[str]:
    """Read the newest checkpoint: a C2SP signed note, as plain text."""
    rows = await evidence.checkpoints(call.uow, call.principal, before=None, limit=1)
    if not rows:
        raise NotFound
    return Answer(rows[0]["note"].encode(), media_type="text/plain")


@route("POST", "/audit/exports", tag=TAG, status=202)
async def create_audit_export(call: Call, body: exports.NewExport) -> Answer[ExportView]:
    """Ask for a bundle that anybody can verify offline with `woaas audit verify`."""
    row = await exports.request_export(call.uow, call.principal, body)
    shown = _show(call, row)
    return Answer(shown, 202, f"/v1/audit/exports/{shown['id']}")


@route("GET", "/audit/exports", tag=TAG)
async def list_audit_exports(call: Call) -> Answer[Listed[ExportView]]:
    """List bundles, newest first."""
    return await call.page(AUDIT_EXPORT)


@route("GET", "/audit/exports/{key}", tag=TAG)
async def get_audit_export(call: Call, key: str) -> Answer[ExportView]:
    """Read how far a bundle is."""
    return Answer(_show(call, await exports.get_export(call.uow, call.principal, decode_id("axp", key))))


@download_route("/audit/exports/{key}/download", tag=TAG, media_types=("application/zip",))
async def download_audit_export(call: Call, key: str, start: int | None = None) -> Answer[str]:
    """Download a bundle (zip); a download that broke off is resumed with `Range` and `If-Range`."""
    if start is None:  # A page of the console, which asks for part after part.
        start = int(call.request.query_params.get("start", "0"))
    part = await exports.download(call.uow, call.principal, decode_id("axp", key), start)
    row = part.export
    headers = file_headers(f"audit-{row['first_index']}-{row['end_index']}.zip", row, part.start)
    return Answer(part.content, media_type="application/zip", headers=headers)


@route("GET", "/audit/retention", tag=TAG)
async def get_audit_retention(call: Call) -> Answer[RetentionView]:
    """Read how long entries stay at hand before they are archived."""
    row = await retention.get_policy(call.uow, call.principal)
    return Answer(call.principal.show(call.principal.access(AUDIT_RETENTION), row))


@route("PUT", "/audit/retention", tag=TAG)
async def set_audit_retention(call: Call, body: retention.Retention) -> Answer[RetentionView]:
    """Set after how many days entries are archived (30 to 36,500), or with null that none is.

    Archived entries leave `/v1/audit/entries` and `/v1/events`; hashes, proofs, checkpoints and bundles keep them.
    What a legal hold is on stays, and so does everything after it.
    """
    row = await retention.set_policy(call.uow, call.principal, body)
    return Answer(call.principal.show(call.principal.access(AUDIT_RETENTION), row))


@route("GET", "/audit/archives", tag=TAG)
async def list_audit_archives(call: Call) -> Answer[Listed[ArchiveView]]:
    """List the stretches of the log that were archived, newest first."""
    return await call.page(AUDIT_ARCHIVE)


@route("GET", "/audit/archives/{key}", tag=TAG)
async def get_audit_archive(call: Call, key: str) -> Answer[ArchiveView]:
    """Read which entries were archived when."""
    row = await retention.get_archive(call.uow, call.principal, decode_id("arc", key))
    return Answer(call.principal.show(call.principal.access(AUDIT_ARCHIVE), row))


def _show(call: Call, row: Any) -> dict[str, Any]:
    shown = call.principal.show(call.principal.access(AUDIT_EXPORT), row)
    ready = row["status"] == "finished"
    shown["download_url"] = f"/v1/audit/exports/{encode_id('axp', row['id'])}/download" if ready else None
    return shown


ROUTES = (
    list_audit_entries,
    get_inclusion_proof,
    get_tlog_proof,
    get_consistency_proof,
    list_audit_keys,
    list_checkpoints,
    get_latest_checkpoint,
    create_audit_export,
    list_audit_exports,
    get_audit_export,
    download_audit_export,
    get_audit_retention,
    set_audit_retention,
    list_audit_archives,
    get_audit_archive,
)
