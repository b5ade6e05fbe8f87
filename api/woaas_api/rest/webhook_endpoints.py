"""Webhook endpoints: where events are sent, and what became of each."""

from typing import Any

from msgspec import UnsetType
from sqlalchemy import bindparam

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.schemas.webhooks import WebhookDeliveryView, WebhookEndpointView, WebhookTest
from woaas_api.subjects import SUBJECTS
from woaas_core.ids import decode_id, encode_id
from woaas_core.outbound.http import checked_url
from woaas_security.authz.listing import list_rows
from woaas_work_orders.webhooks import service
from woaas_work_orders.webhooks.inputs import EndpointChange, NewEndpoint, WebhookSecretRotation
from woaas_work_orders.webhooks.models import webhook_deliveries
from woaas_work_orders.webhooks.resources import WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT

TAG = "Events"
_OF_ENDPOINT = webhook_deliveries.c.endpoint_id == bindparam("of_endpoint")


def _show(call: Call, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(WEBHOOK_ENDPOINT), row)


@route("GET", "/webhook-endpoints", tag=TAG)
async def list_webhook_endpoints(call: Call) -> Answer[Listed[WebhookEndpointView]]:
    """List webhook endpoints, archived ones too; secrets are never shown again."""
    return await call.page(WEBHOOK_ENDPOINT)


@route("POST", "/webhook-endpoints", tag=TAG, status=201, writes=WEBHOOK_ENDPOINT)
async def create_webhook_endpoint(call: Call, body: NewEndpoint) -> Answer[WebhookEndpointView]:
    """Have events sent to an address, signed by the Standard Webhooks; the secret is in this answer only.

    Each is sent as `GET /v1/events` shows it to you at that time: what you may not see is left out, and an event of
    which you see nothing is not sent. Give a public https address.
    """
    call.principal.require(WEBHOOK_ENDPOINT, "create")
    checked_url(body.url, call.edge.settings.outbound)
    row, secret = await service.create(call.uow, call.principal, body, call.edge.authenticator.keyring)
    shown = _show(call, row)
    return Answer({**shown, "secret": secret}, 201, f"/v1/webhook-endpoints/{shown['id']}", secret=("secret",))


@route("GET", "/webhook-endpoints/{endpoint}", tag=TAG)
async def get_webhook_endpoint(call: Call, endpoint: str) -> Answer[WebhookEndpointView]:
    """Read a webhook endpoint; its secret is never shown again."""
    return Answer(_show(call, await service.get(call.uow, call.principal, decode_id("whk", endpoint))))


@route("PATCH", "/webhook-endpoints/{endpoint}", tag=TAG, writes=WEBHOOK_ENDPOINT)
async def update_webhook_endpoint(call: Call, endpoint: str, body: EndpointChange) -> Answer[WebhookEndpointView]:
    """Change the address, name or events of an endpoint; the address only of one that you made."""
    call.principal.require(WEBHOOK_ENDPOINT, "update")
    endpoint_id = decode_id("whk", endpoint)
    if not isinstance(body.url, UnsetType):
        checked_url(body.url, call.edge.settings.outbound)
    if call.request.headers.get("if-match"):
        found = await service.get(call.uow, call.principal, endpoint_id)
        call.require_match(lambda: _show(call, found))
    return Answer(_show(call, await service.change(call.uow, call.principal, endpoint_id, body)))


@route("POST", "/webhook-endpoints/{endpoint}/rotate-secret", tag=TAG)
async def rotate_webhook_secret(call: Call, endpoint: str, body: WebhookSecretRotation) -> Answer[WebhookEndpointView]:
    """Give an endpoint a new secret; the one in use signs beside it for `keep_previous_for`, a day if not said."""
    row, secret = await service.rotate_secret(
        call.uow, call.principal, decode_id("whk", endpoint), body, call.edge.authenticator.keyring
    )
    return Answer({**_show(call, row), "secret": secret}, secret=("secret",))


@route("POST", "/webhook-endpoints/{endpoint}/test", tag=TAG, status=202)
async def test_webhook_endpoint(call: Call, endpoint: str) -> Answer[WebhookTest]:
    """Send an endpoint an event `webhook_endpoint.tested`, whatever it wants otherwise; its delivery tells the rest."""
    endpoint_id = decode_id("whk", endpoint)
    event_id = await service.test(call.uow, call.principal, endpoint_id)
    return Answer({"event_id": encode_id("evt", event_id)}, 202, f"/v1/webhook-endpoints/{endpoint}/deliveries")


@route("POST", "/webhook-endpoints/{endpoint}/archive", tag=TAG)
async def archive_webhook_endpoint(call: Call, endpoint: str) -> Answer[WebhookEndpointView]:
    """Retire an endpoint: nothing more is sent to it, and its secrets are gone."""
    return Answer(_show(call, await service.archive(call.uow, call.principal, decode_id("whk", endpoint))))


@route("GET", "/webhook-endpoints/{endpoint}/deliveries", tag=TAG)
async def list_webhook_deliveries(call: Call, endpoint: str) -> Answer[Listed[WebhookDeliveryView]]:
    """List what was and is being sent to an endpoint in the last 30 days, newest first.

    Deliveries of events that you do not see are left out, so a page may hold fewer than asked for.
    """
    access = call.principal.require(WEBHOOK_DELIVERY, "read")
    found = await service.get(call.uow, call.principal, decode_id("whk", endpoint))
    asked = call.list_query(access)
    page = await list_rows(
        *(call.uow, call.principal, access, asked.query, call.edge.cursors),
        where=(_OF_ENDPOINT,),
        values={"of_endpoint": found["id"]},
        columns=("event_id",),
    )
    rows = await service.visible(call.uow, call.principal, page.rows, SUBJECTS)
    data = [call.principal.show(access, row, asked.fields) for row in rows]
    return Answer({"data": data, "next_cursor": page.next_cursor})


@route("GET", "/webhook-endpoints/{endpoint}/deliveries/{delivery}", tag=TAG)
async def get_webhook_delivery(call: Call, endpoint: str, delivery: str) -> Answer[WebhookDeliveryView]:
    """Read a delivery with its tries."""
    row = await service.delivery(
        call.uow, call.principal, decode_id("whk", endpoint), decode_id("whd", delivery), SUBJECTS
    )
    return Answer(call.principal.show(call.principal.access(WEBHOOK_DELIVERY), row))


@route("POST", "/webhook-endpoints/{endpoint}/deliveries/{delivery}/replay", tag=TAG)
async def replay_webhook_delivery(call: Call, endpoint: str, delivery: str) -> Answer[WebhookDeliveryView]:
    """Send an event to an endpoint once more, under the same `webhook-id`."""
    row = await service.replay(
        call.uow, call.principal, decode_id("whk", endpoint), decode_id("whd", delivery), SUBJECTS
    )
    return Answer(call.principal.show(call.principal.access(WEBHOOK_DELIVERY), row))


def _command(name: str, summary: str) -> Route:
    async def run(call: Call, endpoint: str) -> Answer[WebhookEndpointView]:
        endpoint_id = decode_id("whk", endpoint)
        if call.request.headers.get("if-match"):
            found = await service.get(call.uow, call.principal, endpoint_id)
            call.require_match(lambda: _show(call, found))
        row = await service.command(call.uow, call.principal, endpoint_id, name, call.edge.authenticator)
        return Answer(_show(call, row))

    run.__doc__ = summary
    return route("POST", f"/webhook-endpoints/{{endpoint}}/{name}", tag=TAG, name=f"{name}_webhook_endpoint")(run)


ROUTES = (
    list_webhook_endpoints,
    create_webhook_endpoint,
    get_webhook_endpoint,
    update_webhook_endpoint,
    rotate_webhook_secret,
    test_webhook_endpoint,
    _command("pause", "Send an endpoint nothing for now; of what happens meanwhile it does not hear later."),
    _command("resume", "Send a paused or disabled endpoint events again, beginning with those that waited."),
    archive_webhook_endpoint,
    list_webhook_deliveries,
    get_webhook_delivery,
    replay_webhook_delivery,
)
