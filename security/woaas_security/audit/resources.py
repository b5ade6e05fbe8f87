"""What permissions on the log are about."""

import base64

import msgspec

from woaas_core.events.log import event
from woaas_security.audit.models import (
    audit_archives,
    audit_exports,
    audit_retention,
    audit_sources,
    external_entries,
)
from woaas_security.authz.resource import Field, Resource

_FIELDS = (
    Field("id", "id", prefix="evt"),
    Field("type", filterable=True),
    Field("subject", filterable=True),
    Field("work_order_id", "id", prefix="wo"),
    Field("actor", filterable=True),
    Field("reason", column="payload"),
    Field("recorded_at", "instant", filterable=True),
)
EVENT = Resource("event", "evt", event, _FIELDS)
AUDIT_ENTRY = Resource("audit_entry", "evt", event, (*_FIELDS, Field("payload", "text"), Field("openings", "json")))
AUDIT_EXPORT = Resource(
    "audit_export",
    "axp",
    audit_exports,
    (
        Field("id", "id", prefix="axp"),
        Field("status", filterable=True),
        Field("progress"),
        Field("entries_done", "integer"),
        Field("entries_total", "integer"),
        Field("request", "json"),
        Field("first_index", "integer"),
        Field("end_index", "integer"),
        Field("sha256"),
        Field("size_bytes", "integer"),
        Field("error"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant"),
        Field("expires_at", "instant"),
    ),
    actions=frozenset({"create"}),
)
AUDIT_RETENTION = Resource(
    "audit_retention",
    "ret",
    audit_retention,
    (
        Field("id", "id", prefix="ret"),
        Field("archive_after_days", "integer"),
        Field("version", "integer", tells_of_all=True),
        Field("updated_at", "instant", tells_of_all=True),
    ),
    actions=frozenset({"update"}),
    writes=frozenset({"archive_after_days"}),
)
AUDIT_ARCHIVE = Resource(
    "audit_archive",
    "arc",
    audit_archives,
    (
        Field("id", "id", prefix="arc"),
        Field("first_index", "integer", filterable=True),
        Field("end_index", "integer", filterable=True),
        Field("recorded_from", "instant", filterable=True),
        Field("recorded_to", "instant", filterable=True),
        Field("archived_at", "instant", filterable=True),
    ),
)
AUDIT_SOURCE = Resource(
    "audit_source",
    "src",
    audit_sources,
    (
        Field("id", "id", prefix="src"),
        Field("code", filterable=True),
        Field("public_key", render=lambda key: base64.b64encode(key).decode()),
        Field("created_at", "instant", filterable=True),
        Field("revoked_at", "instant"),
    ),
    actions=frozenset({"create", "revoke"}),
    writes=frozenset({"code", "public_key"}),
)
EXTERNAL_ENTRY = Resource(
    "external_entry",
    "ext",
    external_entries,
    (
        Field("id", "id", prefix="ext"),
        Field("source", filterable=True),
        Field("source_id", "id", prefix="src"),
        Field("payload", "json", render=msgspec.json.decode),
        Field("payload_sha256", filterable=True),
        Field("signature", render=lambda signature: base64.b64encode(signature).decode()),
        Field("received_at", "instant", filterable=True),
    ),
    actions=frozenset({"create"}),
    writes=frozenset({"source", "payload", "signature"}),
)
