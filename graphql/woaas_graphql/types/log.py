"""The log and its reader: events, audit entries, the caller."""

import strawberry

from woaas_graphql.scalars import JSON, DateTime


@strawberry.type
class Event:
    """A fact of the log as CloudEvents 1.0 writes it."""

    id: strawberry.ID
    specversion: str | None
    source: str | None
    type: str | None
    time: DateTime | None
    subject: str | None
    datacontenttype: str | None
    tenantid: str | None
    auditindex: int | None
    livemode: bool | None
    workorder: strawberry.ID | None
    data: JSON | None


@strawberry.type
class Actor:
    """Who did it."""

    type: str | None
    id: strawberry.ID | None
    client: str | None


@strawberry.type
class AuditEntry:
    """An entry of the log; changes you may not read are null and named in `maskedFields`."""

    id: strawberry.ID
    index: int | None
    type: str | None
    at: DateTime | None
    actor: Actor | None
    subject: str | None
    work_order: strawberry.ID | None
    request_id: str | None
    reason: str | None
    version: list[int | None] | None
    data: JSON | None
    changes: JSON | None
    leaf_hash: str | None
    masked_fields: list[str] | None


@strawberry.type
class Me:
    """The caller, and what he may see and do."""

    id: strawberry.ID
    type: str | None
    name: str | None
    tenant_id: strawberry.ID | None
    tenant_name: str | None
    time_zone: str | None
    livemode: bool | None
    roles: list[str] | None
    scopes: list[str] | None
    permissions: JSON | None
