"""The places of the rail."""

from typing import NamedTuple

from woaas_api.console.page import Page
from woaas_api.console.vocabulary import N_


class Place(NamedTuple):
    """A place in the rail; shown where the server has ``operation`` and the reader may read ``resources``.

    ``letter`` is the key of the keyboard that leads there.
    """

    key: str
    letter: str
    label: str
    path: str
    operation: str
    resources: tuple[str, ...]


PLACES = (
    Place("orders", "o", N_("Orders"), "/console/orders", "GET /work-orders", ("work_order",)),
    Place("plan", "p", N_("Plan"), "/console/plan", "GET /schedules/{id}/gantt", ("schedule",)),
    Place(
        "market",
        "m",
        N_("Market"),
        "/console/market",
        "GET /market/listings",
        ("listing", "market_request", "contract"),
    ),
    Place(
        "billing",
        "b",
        N_("Billing"),
        "/console/billing",
        "GET /billing/usage",
        ("invoice", "usage_event", "subscription"),
    ),
    Place("members", "e", N_("Members"), "/console/members", "POST /members", ("member",)),
    Place("keys", "k", N_("Keys"), "/console/keys", "GET /api-keys", ("api_key",)),
    Place("applications", "a", N_("Apps"), "/console/applications", "GET /oauth-clients", ("oauth_client",)),
    Place("webhooks", "w", N_("Webhooks"), "/console/webhooks", "GET /webhook-endpoints", ("webhook_endpoint",)),
    Place("sso", "s", N_("SSO"), "/console/sso", "GET /sso-connections", ("sso_connection",)),
    Place("roles", "r", N_("Roles"), "/console/roles", "GET /roles", ("role",)),
    Place("audit", "u", N_("Audit"), "/console/audit", "GET /audit/checkpoints/latest", ("audit_entry",)),
)


def places(page: Page) -> list[Place]:
    """The places that this reader can go to."""
    return [p for p in PLACES if page.has(p.operation) and any(page.sees(r, "id") for r in p.resources)]
