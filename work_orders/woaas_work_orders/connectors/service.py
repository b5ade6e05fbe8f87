"""Use cases of connectors: set, enable, disable, hand out credentials, ask for a self-test."""

import secrets
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.db.statements import Row
from woaas_core.errors import Conflict, NotFound, StaleETag
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.wire import duration_of, given, invalid
from woaas_security.audit.changes import changes_of
from woaas_security.identity.keyring import Keyring
from woaas_security.principal import Principal
from woaas_work_orders.connectors import events, repository
from woaas_work_orders.connectors.inputs import Broker, ConnectorBody, Tag
from woaas_work_orders.connectors.resources import CONNECTOR, LIVE

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

# A machine that publishes by itself is silent after this; Sparkplug nodes say when they go.
SILENT_AFTER = timedelta(minutes=5)
_LEVELS = (2, 3)


async def find(uow: "UnitOfWork", principal: Principal, code: str) -> "Record":
    """A connector by code or id.

    Raises:
        NotFound: missing.
    """
    principal.require(CONNECTOR, "read")
    row = await look_up(uow, code)
    if row is None:
        raise NotFound
    return row


async def look_up(uow: "UnitOfWork", code: str) -> "Record | None":
    """The connector of a code or id, if there is one; None is where a PUT may create.

    Raises:
        NotFound: an id that there is no connector of.
    """
    connector_id = try_decode_id("con", code)
    if connector_id is None:
        return await repository.find(uow, code)
    row = await repository.find_by_id(uow, connector_id)
    if row is None:
        raise NotFound
    return row


async def put(
    uow: "UnitOfWork", principal: Principal, code: str, body: ConnectorBody, known: "Record | None", keyring: Keyring
) -> "tuple[Record | dict[str, Any], bool]":
    """Create or replace a connector; returns it and whether it is new. A new one is followed at once.

    Members left out are unset, but a stored password stays as long as the broker it was given for is the same.
    """
    access = principal.require(CONNECTOR, "create")
    sent = given(body)
    if sent.pop("code", code) not in (code, known["code"] if known else code):
        raise invalid("/code", "invalid", "The code in the body is not the one in the path.")
    access.check_writable(sent)
    connector_id = known["id"] if known is not None else uuid7()
    values = _values(body)
    values["password"] = _sealed_password(body, values, known, keyring, encode_id("con", connector_id))
    if known is not None:
        if all(known[name] == value for name, value in values.items()):
            return known, False
        row = await repository.replace(uow, known, values)
        if row is None:
            raise StaleETag
        await repository.forget_tags(uow, connector_id, [tag["tag"] for tag in values["tags"]])
        _changed(uow, row, known)
        return row, False
    now = uow.clock.now()
    new = values | {
        "id": connector_id,
        "code": code,
        "kind": "mqtt",
        "token_hash": None,
        "state": "enabled",
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "status": "connecting",
        "last_message_at": None,
        "last_error": None,
        "last_error_at": None,
        "self_test": None,
        **dict.fromkeys(("received", "applied", "withheld", "failed"), 0),
    }
    await repository.insert(uow, new)
    _changed(uow, new, None)
    return new, True


async def command(uow: "UnitOfWork", principal: Principal, known: "Record", name: str) -> "Record":
    """Enable or disable a connector; one that is so already stays as it is."""
    principal.require(CONNECTOR, name)
    state = f"{name}d"
    if known["state"] == state:
        return known
    row = await repository.set_state(uow, known, state)
    if row is None:
        raise StaleETag
    uow.record(
        events.CONNECTOR_COMMANDED[name],
        subject=encode_id("con", row["id"]),
        version=(known["version"], row["version"]),
        data={"code": row["code"], "state": state},
        changes=_changes(known, row),
    )
    return row


async def issue_credentials(
    uow: "UnitOfWork", principal: Principal, known: "Record", keyring: Keyring
) -> tuple["Record", str]:
    """Give the machines of a connector a password for the own broker; it replaces the one before.

    Raises:
        Conflict: the connector follows a broker of the plant, whose users are not ours.
    """
    principal.require(CONNECTOR, "issue_credentials")
    if known["broker"] is not None:
        msg = "This connector follows a broker of the plant; credentials are given out for the platform's own."
        raise Conflict(msg)
    password = secrets.token_urlsafe(32)
    row = await repository.set_token(uow, known["id"], keyring.digest("connector", password))
    uow.record(
        events.CREDENTIALS_ISSUED,
        subject=encode_id("con", row["id"]),
        version=(known["version"], row["version"]),
        data={"code": row["code"]},
    )
    return row, password


async def request_test(uow: "UnitOfWork", principal: Principal, known: "Record") -> dict[str, Any]:
    """Ask for a self-test; what follows the brokers does it, outside of any request."""
    principal.require(CONNECTOR, "test")
    asked = {"id": str(uuid7()), "status": "queued", "created_at": msgspec.to_builtins(uow.clock.now())}
    await repository.set_test(uow, known["id"], asked)
    uow.record(events.TEST_REQUESTED, subject=encode_id("con", known["id"]), data={"code": known["code"]})
    return asked


async def finish_test(uow: "UnitOfWork", connector_id: UUID, test_id: str, verdict: dict[str, Any]) -> None:
    """Keep what a self-test found, unless another was asked for meanwhile."""
    row = await repository.find_by_id(uow, connector_id)
    if row is None or row["self_test"] is None or row["self_test"]["id"] != test_id:
        return
    done = row["self_test"] | verdict | {"status": "finished", "finished_at": msgspec.to_builtins(uow.clock.now())}
    await repository.set_test(uow, connector_id, done)
    uow.record(
        events.CONNECTOR_TESTED,
        subject=encode_id("con", connector_id),
        data={"code": row["code"], "result": done["result"]},
    )


def silent_after(row: Any) -> timedelta | None:
    """How long a machine may be silent; None where the protocol itself says when one goes."""
    if row["stale_after"] is not None:
        found: timedelta = row["stale_after"]
        return found
    return None if row["sparkplug"] else SILENT_AFTER


def _values(body: ConnectorBody) -> dict[str, Any]:
    def chosen(value: Any, default: Any) -> Any:
        return default if value is UNSET else value

    tags: list[Tag] = chosen(body.tags, [])
    is_sparkplug: bool = chosen(body.sparkplug, False)
    broker: Broker | None = chosen(body.broker, None)
    _check_tags(tags, is_sparkplug=is_sparkplug, is_own=broker is None)
    stale_after = chosen(body.stale_after, None)
    return {
        "name": chosen(body.name, None),
        "broker": None if broker is None else _plain(broker),
        "sparkplug": is_sparkplug,
        "stale_after": None if stale_after is None else _longest(stale_after),
        "tags": [msgspec.to_builtins(tag) for tag in tags],
    }


def _plain(broker: Broker) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(broker).items() if name != "password"}


def _longest(text: str) -> timedelta:
    value: timedelta = duration_of(text, "/stale_after")
    if not timedelta(seconds=1) <= value <= timedelta(days=30):
        raise invalid("/stale_after", "invalid", "A machine is called silent after one second to thirty days.")
    return value


def _check_tags(tags: list[Tag], *, is_sparkplug: bool, is_own: bool) -> None:
    twice = [tag for tag, n in Counter(tag.tag for tag in tags).items() if n > 1]
    for i, tag in enumerate(tags):
        if tag.tag in twice:
            raise invalid(f"/tags/{i}/tag", "invalid", f"{tag.tag!r} is there twice.")
        if set(tag.topic) & set("+#\0") or tag.topic.startswith("/"):
            raise invalid(f"/tags/{i}/topic", "invalid", "A topic without wildcards and leading slash.")
        levels = tag.topic.count("/") + 1 + is_own
        if is_sparkplug and (levels not in _LEVELS or "" in tag.topic.split("/")):
            shape = "node or node/device" if is_own else "group/node or group/node/device"
            raise invalid(f"/tags/{i}/topic", "invalid", f"A Sparkplug topic here is {shape}.")
        if is_sparkplug and tag.metric is None:
            raise invalid(f"/tags/{i}/metric", "required", "Name the Sparkplug metric.")
        if tag.means != "value" and tag.work_center is None:
            raise invalid(f"/tags/{i}/work_center", "required", "Name the work center it is about.")


def _sealed_password(
    body: ConnectorBody, values: dict[str, Any], known: "Record | None", keyring: Keyring, bound_to: str
) -> bytes | None:
    """The password to keep: a stored one must not go to another broker than it was entered for."""
    if isinstance(body.broker, UnsetType) or body.broker is None or body.broker.password is None:
        return None
    stored: bytes | None = known["password"] if known is not None else None
    if isinstance(body.broker.password, UnsetType):
        if stored is not None and known is not None and known["broker"] != values["broker"]:
            raise invalid("/broker/password", "required", "The broker changed: send its password again, or null.")
        return stored
    password = body.broker.password.encode()
    if stored is not None and keyring.open(stored, bound_to) == password:
        return stored
    return keyring.seal(password, bound_to)


def _changed(uow: "UnitOfWork", row: Row, before: "Record | None") -> None:
    uow.record(
        events.CONNECTOR_CHANGED,
        subject=encode_id("con", row["id"]),
        version=(before["version"] if before is not None else None, row["version"]),
        data={"code": row["code"]},
        changes=_changes(before, row),
    )


def _changes(before: Row | None, after: Row) -> dict[str, object]:
    return {name: value for name, value in changes_of(CONNECTOR, before, after).items() if name not in LIVE}
