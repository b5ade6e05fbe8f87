"""Reads that leave an entry: of restricted fields one a request and kind of object, of the log itself one an hour."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from woaas_core.db.statements import Row, Statement
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id
from woaas_security.authz.resource import Resource
from woaas_security.authz.restricted import restricted_in

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.authz.policy import TenantPolicy
    from woaas_security.principal import Principal

# A reader is noted with the hour he last read in; only a new hour gives a row back.
_FIRST_THIS_HOUR = Statement.text(
    """
    INSERT INTO log_readers AS r (tenant_id, reader, hour) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, reader) DO UPDATE SET hour = excluded.hour WHERE r.hour < excluded.hour
    RETURNING true
    """,
    *("tenant_id", "reader", "hour"),
)


class Reads:
    """The restricted fields that one request was shown; each kind of object becomes one entry, written at its end."""

    def __init__(self, uow: "UnitOfWork", policy: "TenantPolicy") -> None:
        self._uow = uow
        self._policy = policy
        self._noted: dict[str, dict[str, list[str]]] = {}
        self._seen: set[tuple[str, str]] = set()

    def note(self, resource: Resource, row: Row, shown: Mapping[str, Any]) -> None:
        """Note what was shown of an object, if any of it is restricted."""
        found = self._policy.restrictions(resource)
        if not found:
            return
        fields = restricted_in(resource, found, shown, _class_of(row))
        if fields:
            self._add(resource, encode_id(resource.prefix, row["id"]), fields)

    def _add(self, resource: Resource, object_id: str, read: set[str]) -> None:
        noted = self._noted.get(resource.name)
        if noted is None:
            # The entry is made of these when the request ends and they are complete.
            noted = self._noted[resource.name] = {"ids": [], "fields": []}
            self._uow.observe(EventType(f"{resource.name}.observed", ""), subject=object_id, data=noted)
        for name, one in (("ids", object_id), *(("fields", field) for field in sorted(read))):
            if (resource.name, one) not in self._seen:
                self._seen.add((resource.name, one))
                noted[name].append(one)


def _class_of(row: Row) -> str | None:
    try:
        return row["data_class"] or ""
    except (KeyError, AttributeError):
        return None


async def note_log_read(uow: "UnitOfWork", principal: "Principal") -> None:
    """Leave an entry that somebody read the log, once an hour for each who does."""
    if principal.kind == "system":
        return
    hour = uow.clock.now().replace(minute=0, second=0, microsecond=0)
    reader = principal.actor.id
    if await uow.value(_FIRST_THIS_HOUR, tenant_id=uow.tenant, reader=reader, hour=hour):
        uow.observe(EventType("audit_entry.observed", ""), subject=reader, data={"until": hour + timedelta(hours=1)})
