"""`client.webhook_endpoints`: addresses that events are sent to. What receives them uses `woaas.webhooks`."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, write
from woaas._wire import Filter
from woaas.types.webhooks import (
    NewWebhookEndpoint,
    NewWebhookSecret,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointChange,
    WebhookTest,
)
from woaas.types.work_orders import Command


class WebhookEndpoints(Bound[M]):
    """Webhook endpoints of the tenant."""

    @endpoint
    def create(self, **endpoint: Unpack[NewWebhookEndpoint]) -> Request[WebhookEndpoint]:
        """Have events sent to an address as you may see them; the `secret` is in this answer and never again."""
        return post("/v1/webhook-endpoints", WebhookEndpoint, endpoint)

    @endpoint
    def get(self, id: str) -> Request[WebhookEndpoint]:
        """One endpoint."""
        return read(path("/v1/webhook-endpoints/{}", id), WebhookEndpoint)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[WebhookEndpoint]:
        """Endpoints, without their secrets."""
        return listing_of("/v1/webhook-endpoints", WebhookEndpoint, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def update(self, id: str, **change: Unpack[WebhookEndpointChange]) -> Request[WebhookEndpoint]:
        """Change the address, name or events."""
        return write("PATCH", path("/v1/webhook-endpoints/{}", id), WebhookEndpoint, change)

    @endpoint
    def pause(self, id: str, **command: Unpack[Command]) -> Request[WebhookEndpoint]:
        """Send it nothing for now; of what happens meanwhile it does not hear later."""
        return post(path("/v1/webhook-endpoints/{}/pause", id), WebhookEndpoint, command)

    @endpoint
    def resume(self, id: str, **command: Unpack[Command]) -> Request[WebhookEndpoint]:
        """Send a paused or disabled one events again, beginning with those that waited."""
        return post(path("/v1/webhook-endpoints/{}/resume", id), WebhookEndpoint, command)

    @endpoint
    def rotate_secret(self, id: str, **rotation: Unpack[NewWebhookSecret]) -> Request[WebhookEndpoint]:
        """A new secret; the one in use signs beside it for a day, or for `keep_previous_for`."""
        return post(path("/v1/webhook-endpoints/{}/rotate-secret", id), WebhookEndpoint, rotation)

    @endpoint
    def test(self, id: str, **command: Unpack[Command]) -> Request[WebhookTest]:
        """Send it an event about itself, whatever it wants otherwise."""
        return post(path("/v1/webhook-endpoints/{}/test", id), WebhookTest, command)

    @endpoint
    def archive(self, id: str, **command: Unpack[Command]) -> Request[WebhookEndpoint]:
        """Retire it: nothing more is sent, and its secrets are gone."""
        return post(path("/v1/webhook-endpoints/{}/archive", id), WebhookEndpoint, command)

    @listing
    def deliveries(
        self, id: str, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[WebhookDelivery]:
        """What was and is being sent to it in the last 30 days, newest first."""
        return listing_of(
            path("/v1/webhook-endpoints/{}/deliveries", id),
            WebhookDelivery,
            {"limit": limit, "cursor": cursor, **filters},
        )

    @endpoint
    def delivery(self, id: str, delivery_id: str) -> Request[WebhookDelivery]:
        """One delivery with its tries."""
        return read(path("/v1/webhook-endpoints/{}/deliveries/{}", id, delivery_id), WebhookDelivery)

    @endpoint
    def replay(self, id: str, delivery_id: str, **command: Unpack[Command]) -> Request[WebhookDelivery]:
        """Send an event once more, under the same `webhook-id`."""
        return post(path("/v1/webhook-endpoints/{}/deliveries/{}/replay", id, delivery_id), WebhookDelivery, command)
