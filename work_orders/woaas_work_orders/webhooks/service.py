"""Use cases of webhook endpoints: make, change, pause, resume, rotate the secret, test, retire, replay."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UnsetType

from woaas_core.db.statements import Row
from woaas_core.errors import Conflict, Forbidden, InvalidTransition, NotFound
from woaas_core.events.envelope import EventType
from woaas_core.events.feed import FeedFilter, cloud_event
from woaas_core.events.readers import begin
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import duration_of, given, invalid
from woaas_security.audit.changes import changes_of
from woaas_security.audit.masking import fed_event, require_feed
from woaas_security.authz.resource import Resource
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.service import Authenticator
from woaas_security.principal import Principal
from woaas_work_orders.webhooks import events, outcomes, queue, repository
from woaas_work_orders.webhooks.handlers import WEBHOOKS
from woaas_work_orders.webhooks.inputs import EndpointChange, NewEndpoint, WebhookSecretRotation
from woaas_work_orders.webhooks.owner import is_owner, owner_of, present_owner
from woaas_work_orders.webhooks.patterns import checked
from woaas_work_orders.webhooks.resources import WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

MOST_ENDPOINTS = 50
_OVERLAP = timedelta(days=1)
_LONGEST_OVERLAP = timedelta(days=30)
_SECRET_BYTES = 32
_TO = {"pause": "paused", "resume": "enabled"}
_FROM = {"pause": ("enabled",), "resume": ("paused", "disabled")}


async def create(
    uow: "UnitOfWork", principal: Principal, body: NewEndpoint, keyring: Keyring
) -> tuple[dict[str, Any], str]:
    """Make an endpoint; returns its row and the secret, which is never shown again.

    It is sent what its maker may see at each time. That its address may be called is checked by the door.

    Raises:
        Conflict: there are as many as there may be.
    """
    access = principal.require(WEBHOOK_ENDPOINT, "create")
    access.check_writable(given(body))
    require_feed(principal, FeedFilter())
    patterns = checked(body.events)
    if await repository.count(uow) >= MOST_ENDPOINTS:
        msg = f"There are {MOST_ENDPOINTS} endpoints already; archive one first."
        raise Conflict(msg)
    secret, now, endpoint_id = _secret(), uow.clock.now(), uuid7()
    row: dict[str, Any] = {
        "id": endpoint_id,
        "name": None if isinstance(body.name, UnsetType) else body.name,
        "url": body.url,
        "events": patterns,
        "state": "enabled",
        "disabled_reason": None,
        **owner_of(principal),
        "secret": keyring.seal(secret.encode(), encode_id("whk", endpoint_id)),
        "previous_secret": None,
        "previous_secret_expires_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "archived_at": None,
        "failing_since": None,
    }
    await repository.insert(uow, row)
    await begin(uow, WEBHOOKS)
    _record(uow, events.ENDPOINT_CREATED, None, row)
    return row, secret


async def get(uow: "UnitOfWork", principal: Principal, endpoint_id: UUID) -> "Record":
    """An endpoint, archived ones too; never its secret."""
    principal.require(WEBHOOK_ENDPOINT, "read")
    row = await repository.get(uow, endpoint_id)
    if row is None:
        raise NotFound
    return row


async def change(uow: "UnitOfWork", principal: Principal, endpoint_id: UUID, body: EndpointChange) -> "Record":
    """Change an endpoint. What waits for it goes to the new address.

    Raises:
        Forbidden: a new address for somebody else's: what he may see would go where he does not know.
    """
    known = await _live(uow, principal, "update", endpoint_id)
    changes = given(body)
    principal.access(WEBHOOK_ENDPOINT).check_writable(changes)
    if "events" in changes:
        changes["events"] = checked(changes["events"])
    changes = {name: value for name, value in changes.items() if known[name] != value}
    if not changes:
        return known
    if "url" in changes and not await is_owner(uow, principal, known):
        msg = "Only whoever made an endpoint changes its address, since it is sent what he may see. Make one of yours."
        raise Forbidden(msg)
    row = await repository.update(uow, known, **changes)
    _record(uow, events.ENDPOINT_CHANGED, known, row)
    return row


async def command(
    uow: "UnitOfWork", principal: Principal, endpoint_id: UUID, name: str, authenticator: Authenticator
) -> "Record":
    """Pause or resume an endpoint; one that is so already stays as it is.

    A paused one hears of nothing that happens meanwhile; what was waiting for it goes on when it is resumed.

    Raises:
        Conflict: whoever made it has no access any more.
    """
    known = await _live(uow, principal, name, endpoint_id)
    if known["state"] == _TO[name]:
        return known
    if known["state"] not in _FROM[name]:
        msg = "It is switched off already; resume it once its receiver is well."
        raise InvalidTransition(msg, members={"state": known["state"], "allowed_commands": ["resume"]})
    if name == "resume" and await present_owner(uow, authenticator, known) is None:
        msg = "Whoever made it has no access any more: make another one."
        raise Conflict(msg)
    row = await repository.update(uow, known, state=_TO[name], disabled_reason=None, failing_since=None)
    await (queue.hold(uow, endpoint_id) if name == "pause" else queue.go_on(uow, endpoint_id))
    _record(uow, events.ENDPOINT_COMMANDED[name], known, row)
    await outcomes.tell(uow)
    return row


async def rotate_secret(
    uow: "UnitOfWork", principal: Principal, endpoint_id: UUID, body: WebhookSecretRotation, keyring: Keyring
) -> tuple["Record", str]:
    """Give a new secret; the one in use signs beside it for a while, so that nothing is refused meanwhile."""
    known = await _live(uow, principal, "rotate_secret", endpoint_id)
    text = body.keep_previous_for
    keep = _OVERLAP if isinstance(text, UnsetType) else duration_of(text, "/keep_previous_for")
    if keep > _LONGEST_OVERLAP:
        raise invalid("/keep_previous_for", "invalid", "Thirty days at most.")
    secret = _secret()
    row = await repository.update(
        uow,
        known,
        secret=keyring.seal(secret.encode(), encode_id("whk", endpoint_id)),
        previous_secret=known["secret"] if keep else None,
        previous_secret_expires_at=uow.clock.now() + keep if keep else None,
    )
    _record(uow, events.SECRET_ROTATED, known, row)
    return row, secret


async def archive(uow: "UnitOfWork", principal: Principal, endpoint_id: UUID) -> "Record":
    """Retire an endpoint: nothing that waits for it is sent, and its secrets are gone."""
    known = await _live(uow, principal, "archive", endpoint_id)
    row = await repository.update(
        uow,
        known,
        state="archived",
        disabled_reason=None,
        archived_at=uow.clock.now(),
        **dict.fromkeys(("secret", "previous_secret", "previous_secret_expires_at")),
    )
    await queue.drop(uow, endpoint_id)
    _record(uow, events.ENDPOINT_ARCHIVED, known, row)
    await outcomes.tell(uow)
    return row


async def test(uow: "UnitOfWork", principal: Principal, endpoint_id: UUID) -> UUID:
    """Have an endpoint sent an event about itself, whatever it wants otherwise; returns the event's id."""
    known = await _live(uow, principal, "test", endpoint_id)
    if known["state"] != "enabled":
        msg = "It is sent nothing now; resume it first."
        raise InvalidTransition(msg, members={"state": known["state"], "allowed_commands": ["resume"]})
    return uow.record(events.ENDPOINT_TESTED, subject=encode_id("whk", endpoint_id)).id


async def visible(
    uow: "UnitOfWork", principal: Principal, rows: Sequence["Record"], subjects: Mapping[str, Resource]
) -> list["Record"]:
    """The deliveries of events that the caller sees in the feed: of others he does not learn that they happened."""
    require_feed(principal, FeedFilter())
    found = await queue.events(uow, [row["event_id"] for row in rows])
    return [
        row
        for row in rows
        if (event := found.get(row["event_id"])) is not None
        and fed_event(principal, cloud_event(event["index"], event["payload"]), subjects) is not None
    ]


async def delivery(
    uow: "UnitOfWork",
    principal: Principal,
    endpoint_id: UUID,
    delivery_id: UUID,
    subjects: Mapping[str, Resource],
    *,
    lock: bool = False,
) -> "Record":
    """A delivery to an endpoint.

    Raises:
        NotFound: missing, of an event that the caller does not see, or of one that was archived.
    """
    principal.require(WEBHOOK_DELIVERY, "read")
    row = await queue.get(uow, endpoint_id, delivery_id, lock=lock)
    if row is None or not await visible(uow, principal, [row], subjects):
        raise NotFound
    return row


async def replay(
    uow: "UnitOfWork", principal: Principal, endpoint_id: UUID, delivery_id: UUID, subjects: Mapping[str, Resource]
) -> "Record":
    """Send an event to an endpoint once more, under the id it always has, as often as it takes.

    Raises:
        InvalidTransition: the endpoint is sent nothing now.
    """
    principal.require(WEBHOOK_DELIVERY, "replay")
    endpoint = await repository.get(uow, endpoint_id, lock=True)
    if endpoint is None:
        raise NotFound
    await delivery(uow, principal, endpoint_id, delivery_id, subjects, lock=True)
    if endpoint["state"] != "enabled":
        msg = "Its endpoint is sent nothing now."
        raise InvalidTransition(msg, members={"state": endpoint["state"], "allowed_commands": []})
    row = await queue.replay(uow, delivery_id)
    told = {"endpoint_id": encode_id("whk", endpoint_id), "event_id": encode_id("evt", row["event_id"])}
    uow.record(events.DELIVERY_REPLAYED, subject=encode_id("whd", delivery_id), data=told)
    return row


async def _live(uow: "UnitOfWork", principal: Principal, action: str, endpoint_id: UUID) -> "Record":
    principal.require(WEBHOOK_ENDPOINT, action)
    row = await repository.get(uow, endpoint_id, lock=True)
    if row is None:
        raise NotFound
    if row["archived_at"] is not None:
        msg = "It was archived: make another one."
        raise InvalidTransition(msg, members={"state": row["state"], "allowed_commands": []})
    return row


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _record(uow: "UnitOfWork", kind: EventType, before: Row | None, row: Row) -> None:
    uow.record(
        kind,
        subject=encode_id("whk", row["id"]),
        version=(before["version"] if before is not None else None, row["version"]),
        data={"state": row["state"]},
        changes=changes_of(WEBHOOK_ENDPOINT, before, row),
    )
