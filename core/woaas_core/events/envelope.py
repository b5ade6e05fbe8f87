"""What an event is: the envelope whose canonical bytes are the audit entry."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from woaas_core.events.canonical import JSONValue, canonical, commit_fields
from woaas_core.ids import encode_id

Version = tuple[int | None, int | None]
"""An object's version before and after; (None, 1) is a creation, (None, None) concerns no versioned object."""

OBSERVED = ".observed"
"""How types of reads end: they are audit entries only, in no feed, no webhook and not in the catalogue."""

REASON = "/reason"
"""Where the reason stands among an entry's commitments, as no field is named: it is free text and may name people."""

_CATALOGUE: dict[str, "EventType"] = {}


class EventType(NamedTuple):
    """A kind of fact: ``<noun>.<past participle>``."""

    name: str
    description: str


class Actor(NamedTuple):
    """Who did it: ``api_key``, ``user``, ``oauth_client`` or ``system``, with its wire id or process name.

    ``client`` is through what: the API, the console, or an application by its wire id.
    """

    type: str
    id: str
    client: str | None = None

    def told(self) -> dict[str, str]:
        """As entries name it."""
        named = {"type": self.type, "id": self.id}
        return named if self.client is None else named | {"client": self.client}


class Event(msgspec.Struct, frozen=True):
    """A fact as the code notes it, before it is sealed."""

    id: UUID
    type: str
    subject: str
    version: Version
    work_order_id: UUID | None
    data: Mapping[str, object]
    changes: Mapping[str, object]


class Sealed(NamedTuple):
    """The exact bytes that enter the tree, their RFC 6962 leaf hash, and the openings of the commitments."""

    payload: bytes
    leaf_hash: bytes
    openings: dict[str, tuple[str, object]]


def moved(version: Version, changes: Iterable[str]) -> list[str]:
    """The fields of an object, of those that an entry commits to, that were otherwise before; none of a new object."""
    return [] if version[0] is None else [name for name in changes if name != REASON]


def event_type(name: str, description: str) -> EventType:
    """Declare a kind of event; the catalogue is what ``GET /v1/event-types`` lists."""
    kind = EventType(name, description)
    if _CATALOGUE.setdefault(name, kind) != kind:
        msg = f"event type {name} is declared twice"
        raise ValueError(msg)
    return kind


def event_types() -> list[EventType]:
    """Every declared kind that feeds and webhooks carry, by name."""
    return sorted(kind for kind in _CATALOGUE.values() if not kind.name.endswith(OBSERVED))


def seal(
    event: Event, *, tenant_id: UUID, actor: Actor, at: datetime, request_id: str | None, reason: str | None, live: bool
) -> Sealed:
    """Canonical bytes (RFC 8785), leaf hash (RFC 6962 §2.1) and openings of an event.

    A change enters as HMAC-SHA256 under a random salt over its canonical value, so the log proves a value to
    whoever is shown it and tells nobody else, and a destroyed opening makes it unknowable.
    """
    plain: dict[str, JSONValue] = msgspec.to_builtins(event.changes)
    if reason is not None:
        plain = {**plain, REASON: reason}
    committed = commit_fields(plain)
    payload = canonical(
        msgspec.to_builtins(
            {
                "v": 1,
                "id": encode_id("evt", event.id),
                "tenant": encode_id("ten", tenant_id),
                "type": event.type,
                "at": at,
                "actor": actor.told(),
                "request_id": request_id,
                "subject": event.subject,
                "work_order": encode_id("wo", event.work_order_id) if event.work_order_id else None,
                "version": event.version,
                "reason": None,  # as it was written before it was committed to
                "livemode": live,
                "data": event.data,
                "changes": {field: sealed.commitment for field, sealed in committed.items()},
            }
        )
    )
    openings: dict[str, tuple[str, object]] = {
        field: (b64encode(sealed.salt).decode(), plain[field]) for field, sealed in committed.items()
    }
    return Sealed(payload, sha256(b"\x00" + payload).digest(), openings)
