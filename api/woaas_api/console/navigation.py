"""The places of the rail."""

from typing import NamedTuple

from woaas_api.console.page import Page
from woaas_api.console.vocabulary import N_


class Place(NamedTuple):
    """A place in the rail; shown where the server has ``operation`` and the reader may read ``resources``."""

    key: str
    label: str
    path: str
    operation: str
    resources: tuple[str, ...]


PLACES = (
    Place("orders", N_("Orders"), "/console/orders", "GET /work-orders", ("work_order",)),
    Place("plan", N_("Plan"), "/console/plan", "GET /schedules/{id}/gantt", ("schedule",)),
    Place("market", N_("Market"), "/console/market", "GET /market/listings", ("listing", "market_request", "contract")),
    Place(
        "billing", N_("Billing"), "/console/billing", "GET /billing/usage", ("invoice", "usage_event", "subscription")
    ),
    Place("members", N_("Members"), "/console/members", "POST /members", ("member",)),
    Place("keys", N_("Keys"), "/console/keys", "GET /api-keys", ("api_key",)),
    Place("applications", N_("Apps"), "/console/applications", "GET /oauth-clients", ("oauth_client",)),
    Place("webhooks", N_("Webhooks"), "/console/webhooks", "GET /webhook-endpoints", ("webhook_endpoint",)),
    Place("sso", N_("SSO"), "/console/sso", "GET /sso-connections", ("sso_connection",)),
    Place("roles", N_("Roles"), "/console/roles", "GET /roles", ("role",)),
    Place("audit", N_("Audit"), "/console/audit", "GET /audit/checkpoints/latest", ("audit_entry",)),
)


def places(page: Page) -> list[Place]:
    """The places that this reader can go to."""
    return [p for p in PLACES if page.has(p.operation) and any(page.sees(r, "id") for r in p.resources)]
