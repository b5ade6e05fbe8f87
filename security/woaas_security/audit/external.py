"""Entries of other systems in the tenant's log: signed by their source, checked on the way in, proved like our own."""

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import Conflict, Invalid, NotFound
from woaas_core.events.canonical import NotCanonical, canonical
from woaas_core.events.envelope import event_type
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import Body, Code, invalid
from woaas_security.audit.models import audit_sources, external_entries
from woaas_security.audit.resources import AUDIT_SOURCE, EXTERNAL_ENTRY
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

SOURCE_REGISTERED = event_type("audit_source.registered", "Another system may append entries signed with its key.")
SOURCE_REVOKED = event_type("audit_source.revoked", "A system's key is no longer taken.")
ENTRY_APPENDED = event_type("external_entry.appended", "Another system appended an entry of its own, signed by it.")

_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_S = audit_sources.c
_OWN = select(audit_sources).where(_S.tenant_id == bindparam("tenant_id"))
_BY_ID = Statement(_OWN.where(_S.id == bindparam("key")))
_IN_USE = Statement(_OWN.where(_S.code == bindparam("code"), _S.revoked_at.is_(None)))
_INSERT_SOURCE = insert_row(audit_sources)
_REVOKE = Statement(
    update(audit_sources)
    .where(_S.tenant_id == bindparam("tenant_id"), _S.id == bindparam("key"), _S.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(*_S)
)
_ENTRY = Statement(
    select(external_entries).where(
        external_entries.c.tenant_id == bindparam("tenant_id"), external_entries.c.id == bindparam("key")
    )
)
_APPEND = Statement.text(
    """
    INSERT INTO external_entries (tenant_id, id, source_id, source, payload, payload_sha256, signature, received_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, source, payload_sha256) DO NOTHING RETURNING *
    """,
    *("tenant_id", "id", "source_id", "source", "payload", "payload_sha256", "signature", "received_at"),
)

Base64 = Annotated[str, msgspec.Meta(min_length=4, max_length=1000)]


class NewSource(Body, kw_only=True):
    """A system that may append entries: a code of your choice and its Ed25519 public key (32 bytes, base64).

    A code may have several keys in force, so that keys can be rotated.
    """

    code: Code
    public_key: Base64


class NewExternalEntry(Body, kw_only=True):
    """An entry: any JSON object without fractions, and the source's Ed25519 signature over its RFC 8785 bytes."""

    source: Code
    payload: dict[str, Any]
    signature: Base64


class BadSignature(Invalid):
    """No key in force of the source made this signature."""

    code = "bad_signature"
    title = "The signature is not the source's"
    hint = "Sign the RFC 8785 bytes of the payload with a key registered for the source (POST /v1/audit/sources)."


class Replayed(Conflict):
    """The source has appended this very payload before."""

    code = "entry_replayed"
    title = "The entry is in the log already"
    hint = "Entries are appended once; give each a number or time of its own."


async def register(uow: "UnitOfWork", principal: Principal, body: NewSource) -> dict[str, Any]:
    """Let a system append entries under a key of its own."""
    principal.require(AUDIT_SOURCE, "create")
    key = _decoded(body.public_key, _KEY_BYTES, "/public_key")
    try:
        Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        raise invalid("/public_key", "invalid", "It is no Ed25519 public key.") from None
    values: dict[str, Any] = {
        "id": uuid7(),
        "code": body.code,
        "public_key": key,
        "created_at": uow.clock.now(),
        "revoked_at": None,
    }
    await uow.execute(_INSERT_SOURCE, tenant_id=uow.tenant, **values)
    uow.record(
        SOURCE_REGISTERED,
        subject=encode_id("src", values["id"]),
        data={"code": body.code, "key_sha256": hashlib.sha256(key).hexdigest()},
    )
    return values


async def source(uow: "UnitOfWork", principal: Principal, source_id: UUID) -> "Record":
    """A source, revoked or not.

    Raises:
        NotFound: missing.
    """
    principal.require(AUDIT_SOURCE, "read")
    row = await uow.first(_BY_ID, tenant_id=uow.tenant, key=source_id)
    if row is None:
        raise NotFound
    return row


async def revoke(uow: "UnitOfWork", principal: Principal, known: "Record") -> "Record":
    """Take a source's key no more; what it appended stays."""
    principal.require(AUDIT_SOURCE, "revoke")
    row = await uow.first(_REVOKE, tenant_id=uow.tenant, key=known["id"], at=uow.clock.now())
    if row is None:
        return known
    uow.record(SOURCE_REVOKED, subject=encode_id("src", row["id"]), data={"code": row["code"]})
    return row


async def append(uow: "UnitOfWork", principal: Principal, body: NewExternalEntry) -> "Record":
    """Append an entry of another system; its bytes and signature are committed to and kept.

    Raises:
        BadSignature: no key in force of the source made the signature, or there is no such source.
        Replayed: the source has appended the same payload before.
    """
    principal.require(EXTERNAL_ENTRY, "create")
    try:
        payload = canonical(body.payload)
    except NotCanonical as error:
        raise invalid("/payload", "invalid", str(error)) from None
    signature = _decoded(body.signature, _SIGNATURE_BYTES, "/signature")
    keys = await uow.all(_IN_USE, tenant_id=uow.tenant, code=body.source)
    signer = next((key for key in keys if _is_signed(bytes(key["public_key"]), signature, payload)), None)
    if signer is None:
        raise BadSignature
    row = await uow.first(
        _APPEND,
        tenant_id=uow.tenant,
        id=uuid7(),
        source_id=signer["id"],
        source=body.source,
        payload=payload,
        payload_sha256=hashlib.sha256(payload).hexdigest(),
        signature=signature,
        received_at=uow.clock.now(),
    )
    if row is None:
        raise Replayed
    uow.record(
        ENTRY_APPENDED,
        subject=encode_id("ext", row["id"]),
        data={"source": row["source"], "source_id": encode_id("src", row["source_id"]),
              "payload_sha256": row["payload_sha256"]},
        changes={"payload": body.payload, "signature": body.signature},
    )  # fmt: skip
    return row


async def entry(uow: "UnitOfWork", principal: Principal, entry_id: UUID) -> "Record":
    """An entry of another system.

    Raises:
        NotFound: missing.
    """
    principal.require(EXTERNAL_ENTRY, "read")
    row = await uow.first(_ENTRY, tenant_id=uow.tenant, key=entry_id)
    if row is None:
        raise NotFound
    return row


def _decoded(text: str, size: int, pointer: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        # Also of text that is not ASCII.
        found = b""
    if len(found) != size:
        raise invalid(pointer, "invalid", f"{size} bytes in base64.")
    return found


def _is_signed(key: bytes, signature: bytes, payload: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, payload)
    except InvalidSignature:
        return False
    return True
