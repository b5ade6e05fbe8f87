"""Entries of other systems, and the keys they sign with."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_core.ids import decode_id
from woaas_security.audit import external
from woaas_security.audit.resources import AUDIT_SOURCE, EXTERNAL_ENTRY

TAG = "Audit"


class SourceView(View, kw_only=True):
    """A system that may append entries, by one of its keys."""

    code: str | UnsetType = UNSET
    public_key: str | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    revoked_at: datetime | None | UnsetType = UNSET


class ExternalEntryView(View, kw_only=True):
    """An entry of another system; the log has it under the event `external_entry.appended`."""

    source: str | UnsetType = UNSET
    source_id: str | UnsetType = UNSET
    payload: dict[str, Any] | UnsetType = UNSET
    payload_sha256: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    received_at: datetime | UnsetType = UNSET


def _show(call: Call, resource: Any, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(resource), row)


@route("POST", "/audit/sources", tag=TAG, status=201)
async def create_audit_source(call: Call, body: external.NewSource) -> Answer[SourceView]:
    """Register an Ed25519 key of a system that appends entries; a code may have several."""
    shown = _show(call, AUDIT_SOURCE, await external.register(call.uow, call.principal, body))
    return Answer(shown, 201, f"/v1/audit/sources/{shown['id']}")


@route("GET", "/audit/sources", tag=TAG)
async def list_audit_sources(call: Call) -> Answer[Listed[SourceView]]:
    """List registered keys, newest first, revoked ones too."""
    return await call.page(AUDIT_SOURCE)


@route("GET", "/audit/sources/{key}", tag=TAG)
async def get_audit_source(call: Call, key: str) -> Answer[SourceView]:
    """Read a registered key."""
    return Answer(_show(call, AUDIT_SOURCE, await external.source(call.uow, call.principal, decode_id("src", key))))


@route("POST", "/audit/sources/{key}/revoke", tag=TAG)
async def revoke_audit_source(call: Call, key: str) -> Answer[SourceView]:
    """Take a key no more; what it signed stays in the log."""
    known = await external.source(call.uow, call.principal, decode_id("src", key))
    call.require_match(lambda: _show(call, AUDIT_SOURCE, known))
    return Answer(_show(call, AUDIT_SOURCE, await external.revoke(call.uow, call.principal, known)))


@route("POST", "/audit/external-entries", tag=TAG, status=201)
async def append_external_entry(call: Call, body: external.NewExternalEntry) -> Answer[ExternalEntryView]:
    """Append an entry of another system to the log: same index, proofs and exports as ours.

    `signature` is the source's Ed25519 signature over the RFC 8785 bytes of `payload`, in base64. A forged one is 422
    `bad_signature`, the same payload of a source again 409 `entry_replayed`.
    """
    shown = _show(call, EXTERNAL_ENTRY, await external.append(call.uow, call.principal, body))
    return Answer(shown, 201, f"/v1/audit/external-entries/{shown['id']}")


@route("GET", "/audit/external-entries", tag=TAG)
async def list_external_entries(call: Call) -> Answer[Listed[ExternalEntryView]]:
    """List entries of other systems, newest first."""
    return await call.page(EXTERNAL_ENTRY)


@route("GET", "/audit/external-entries/{key}", tag=TAG)
async def get_external_entry(call: Call, key: str) -> Answer[ExternalEntryView]:
    """Read an entry of another system."""
    row = await external.entry(call.uow, call.principal, decode_id("ext", key))
    return Answer(_show(call, EXTERNAL_ENTRY, row))


ROUTES = (
    create_audit_source,
    list_audit_sources,
    get_audit_source,
    revoke_audit_source,
    append_external_entry,
    list_external_entries,
    get_external_entry,
)
