"""Connectors: where machine data comes from, and whether it does."""

from typing import Any
from uuid import UUID

from woaas_api.answers import Answer, Awaited, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.schemas.connectors import BrokerCredentials, ConnectorView, SelfTest
from woaas_core.errors import Invalid, NotFound, StaleETag
from woaas_core.ids import encode_id
from woaas_core.outbound.addresses import checked_host
from woaas_core.settings import MQTT_HOST
from woaas_core.wire import check_code
from woaas_security.identity.keyring import Keyring
from woaas_work_orders.connectors import service
from woaas_work_orders.connectors.inputs import Broker, ConnectorBody
from woaas_work_orders.connectors.resources import CONNECTOR

TAG = "Machines"


def _show(call: Call, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(CONNECTOR), row)


def _keyring(call: Call) -> Keyring:
    return Keyring(call.edge.settings.secret_key)


@route("GET", "/connectors", tag=TAG)
async def list_connectors(call: Call) -> Answer[Listed[ConnectorView]]:
    """List connectors, newest first."""
    return await call.page(CONNECTOR)


@route("GET", "/connectors/{code}", tag=TAG)
async def get_connector(call: Call, code: str) -> Answer[ConnectorView]:
    """Read a connector by code or id: what it follows, whether it is connected, what it has heard."""
    return Answer(_show(call, await service.find(call.uow, call.principal, code)))


@route("PUT", "/connectors/{code}", tag=TAG, writes=CONNECTOR)
async def put_connector(call: Call, code: str, body: ConnectorBody) -> Answer[ConnectorView]:
    """Create or replace a connector; a new one is followed at once.

    Members left out are unset, but the broker's password stays while host, port, user and TLS stay. Without `broker`
    the machines publish to the platform's own, below `topic_root`. `If-None-Match: *` only creates.
    """
    check_code(code)
    call.principal.require(CONNECTOR, "create")
    if isinstance(body.broker, Broker):
        checked_host(body.broker.host, call.edge.settings.outbound)
    known = await service.look_up(call.uow, code)
    if known is not None and call.request.headers.get("if-none-match") == "*":
        raise StaleETag
    call.require_match(None if known is None else lambda: _show(call, known))
    row, is_new = await service.put(call.uow, call.principal, code, body, known, _keyring(call))
    location = f"/v1/connectors/{row['code']}"
    return Answer(_show(call, row), 201 if is_new else 200, location if is_new else None)


@route("POST", "/connectors/{code}/credentials", tag=TAG, status=201)
async def issue_connector_credentials(call: Call, code: str) -> Answer[BrokerCredentials]:
    """Make a password for the platform's own broker; the one before ends, and this one is in this answer only.

    With it a gateway publishes and subscribes below `topic_root` (in Sparkplug: the group), nowhere else. Its client id
    begins with the user name.
    """
    known = await service.find(call.uow, call.principal, code)
    port = call.edge.settings.mqtt_port
    if not port:
        msg = "This installation runs no broker of its own; name the plant's as 'broker'."
        raise Invalid(msg)
    row, password = await service.issue_credentials(call.uow, call.principal, known, _keyring(call))
    name = encode_id("con", row["id"])
    shown = {"host": MQTT_HOST, "port": port, "username": name, "password": password, "topic_root": name}
    return Answer(shown, 201, f"/v1/connectors/{row['code']}", secret=("password",))


@route("POST", "/connectors/{code}/test", tag=TAG, also=(202,))
async def test_connector(call: Call, code: str) -> Answer[SelfTest]:
    """Let a connector test itself: is the broker reached, is its certificate good, does it let us in, and which tags
    are heard, each with its last value.

    Nothing of it changes an order or a machine. Answered within two seconds, else 202.
    """
    known = await service.find(call.uow, call.principal, code)
    asked = await service.request_test(call.uow, call.principal, known)
    location = f"/v1/connectors/{known['code']}/test"

    async def then(later: Call) -> Answer[Any]:
        return Answer(await _self_test(later, code), 200, location)

    awaited = Awaited(UUID(asked["id"]), encode_id("con", known["id"]), then)
    return Answer(asked, 202, location, awaited=awaited)


@route("GET", "/connectors/{code}/test", tag=TAG)
async def get_connector_test(call: Call, code: str) -> Answer[SelfTest]:
    """Read the last self-test."""
    return Answer(await _self_test(call, code))


async def _self_test(call: Call, code: str) -> dict[str, Any]:
    known = await service.find(call.uow, call.principal, code)
    if known["self_test"] is None:
        msg = "It has not tested itself yet; POST asks for it."
        raise NotFound(msg)
    found: dict[str, Any] = known["self_test"]
    return found


def _command(name: str, summary: str) -> Route:
    async def run(call: Call, code: str) -> Answer[ConnectorView]:
        known = await service.find(call.uow, call.principal, code)
        call.require_match(lambda: _show(call, known))
        return Answer(_show(call, await service.command(call.uow, call.principal, known, name)))

    run.__doc__ = summary
    return route("POST", f"/connectors/{{code}}/{name}", tag=TAG, name=f"{name}_connector")(run)


ROUTES = (
    list_connectors,
    get_connector,
    put_connector,
    _command("enable", "Follow a connector again."),
    _command("disable", "Stop following a connector; what its broker keeps for it meanwhile is taken in later."),
    issue_connector_credentials,
    test_connector,
    get_connector_test,
)
