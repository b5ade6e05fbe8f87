"""`client.billing`: what is counted and what it costs."""

from __future__ import annotations

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.types.billing import Invoice, Plan, Settlement, Subscription, Usage, UsageEvent


class Billing(Bound[M]):
    """Usage and invoices."""

    @listing
    def plans(self) -> Listing[Plan]:
        """The plans there are."""
        return listing_of("/v1/billing/plans", Plan)

    @endpoint
    def subscription(self) -> Request[Subscription]:
        """The plan the tenant is on."""
        return read("/v1/billing/subscription", Subscription)

    @endpoint
    def usage(self, *, period: str | None = None) -> Request[Usage]:
        """What a period (by id) comes to; the open one unless said otherwise."""
        return read("/v1/billing/usage", Usage, {"period": period})

    @listing
    def usage_events(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[UsageEvent]:
        """Every single thing that was billed."""
        return listing_of("/v1/billing/usage-events", UsageEvent, {"limit": limit, "cursor": cursor, **filters})

    @listing
    def invoices(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[Invoice]:
        """Invoices, newest first."""
        return listing_of("/v1/billing/invoices", Invoice, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def invoice(self, id: str) -> Request[Invoice]:
        """One invoice."""
        return read(path("/v1/billing/invoices/{}", id), Invoice)

    @endpoint
    def invoice_pdf(self, id: str) -> Request[bytes]:
        """The invoice as it is sent."""
        return Request("GET", path("/v1/billing/invoices/{}/pdf", id), lambda response: response.content)

    @endpoint
    def preview(self, *, period: str | None = None) -> Request[Invoice]:
        """What the invoice of a period would say now; nothing is recorded."""
        return post("/v1/billing/invoices/preview", Invoice, {} if period is None else {"period": period})

    @endpoint
    def issue(self, *, period: str, idempotency_key: str | None = None) -> Request[Invoice]:
        """Issue the invoice of a period."""
        return post("/v1/billing/invoices", Invoice, {"period": period, "idempotency_key": idempotency_key})

    @listing
    def settlements(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[Settlement]:
        """What market contracts paid or earned."""
        return listing_of("/v1/billing/settlements", Settlement, {"limit": limit, "cursor": cursor, **filters})
