"""The one table of scopes: what a token limited to them reads and writes.

``<family>:read`` shows the objects of a family, ``<family>:write`` also changes them and runs their commands. A token
never has more than the roles of its user or client: scopes only take away. A resource that no family names is closed
to every token that has scopes.
"""

from collections.abc import Iterable, Mapping
from functools import cache

from woaas_security.authz.access import Access, no_access
from woaas_security.authz.lines import BuiltIn

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "work_orders": (
        *("work_order", "operation", "report", "inspection", "receipt", "kpi", "signature", "alert"),
        *("attachment", "attachment_class"),
    ),
    "master_data": ("master_data", "connector"),
    "planning": (
        *("schedule_run", "schedule", "slot", "policy", "scenario", "duration_model", "proposal", "proposal_change"),
        *("promise", "forecast", "forecast_bucket", "pilot"),
    ),
    "market": ("listing", "market_request", "board", "nda", "quote", "contract"),
    "billing": ("plan", "billing_period", "usage_event", "invoice", "settlement", "spend_limit", "ledger"),
    "events": ("event", "webhook_endpoint", "webhook_delivery"),
    "exports": ("export",),
    "audit": (
        *("audit_entry", "audit_export", "audit_retention", "audit_archive"),
        *("erasure", "legal_hold", "audit_source", "external_entry"),
    ),
    "access": (
        *("api_key", "member", "role", "field_policy", "grant"),
        *("oauth_client", "sso_connection", "data_export", "tenant_deletion"),
    ),
}
"""The kinds of objects that a pair of scopes opens."""
IDENTITY = ("openid", "profile", "email", "offline_access")
"""What is asked of a person and not of the API."""
API_SCOPES: tuple[str, ...] = tuple(f"{family}:{kind}" for family in FAMILIES for kind in ("read", "write"))
SCOPES = (*IDENTITY, *API_SCOPES)


@cache
def family_of() -> Mapping[str, str]:
    """The family of each kind of object by name; kinds that share policy lines share it."""
    found = {resource: family for family, resources in FAMILIES.items() for resource in resources}
    kinds = {name: found[shared] for name, shared in BuiltIn.read().families if shared in found}
    return {**found, **kinds}


def limited(access: Access, scopes: frozenset[str]) -> Access:
    """What scopes leave of an access."""
    family = family_of().get(access.resource.name)
    if f"{family}:write" in scopes:
        return access
    return access.reading() if f"{family}:read" in scopes else no_access(access.resource)


def split(text: str) -> tuple[str, ...]:
    """The scopes of a space-separated list, each once, in the table's order."""
    asked = set(text.split())
    return (*(s for s in SCOPES if s in asked), *sorted(asked.difference(SCOPES)))


def told(scopes: Iterable[str]) -> list[str]:
    """The scopes that a consent page names: one that writes also reads."""
    named = set(scopes)
    return [s for s in SCOPES if s in named and s.replace(":read", ":write") not in named - {s}]
