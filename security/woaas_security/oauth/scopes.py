"""The one table of scopes: what a token limited to them reads and writes.

``<family>:read`` shows the objects of a family, ``<family>:write`` also changes them and runs their commands. A token
never has more than the roles of its user or client: scopes only take away. A resource that no family names is closed
to every token that has scopes.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from woaas_security.authz.access import Access, no_access
from woaas_security.authz.lines import BuiltIn


class Family(NamedTuple):
    """Kinds of objects that one pair of scopes opens; ``reads`` and ``writes`` is what the consent page says."""

    name: str
    reads: str
    writes: str
    resources: tuple[str, ...]


FAMILIES: tuple[Family, ...] = (
    Family(
        "work_orders",
        "See work orders, their operations, reports and inspections",
        "Create and change work orders and report on them",
        ("work_order", "operation", "report", "inspection", "receipt", "kpi"),
    ),
    Family(
        "master_data",
        "See machines, people, calendars, materials and routings",
        "Change machines, people, calendars, materials and routings",
        ("master_data",),
    ),
    Family(
        "planning",
        "See plans, promises, forecasts and proposals",
        "Plan, promise, forecast and publish plans",
        (
            *("schedule_run", "schedule", "slot", "policy", "scenario", "duration_model", "proposal"),
            *("proposal_change", "promise", "forecast", "forecast_bucket"),
        ),
    ),
    Family(
        "market",
        "See the capacity market, quotes and contracts",
        "Offer, ask for and award capacity",
        ("listing", "market_request", "board", "nda", "quote", "contract"),
    ),
    Family(
        "billing",
        "See usage, invoices and the ledger",
        "Change the plan and the spend limits",
        ("plan", "billing_period", "usage_event", "invoice", "settlement", "spend_limit", "ledger"),
    ),
    Family("events", "Follow what happens", "Say where events are sent", ("event",)),
    Family("audit", "Read and verify the audit log", "Export the audit log", ("audit_entry", "audit_export")),
    Family(
        "access",
        "See members, keys, roles and permissions",
        "Change members, keys, roles and permissions",
        ("api_key", "member", "role", "field_policy", "grant", "oauth_client"),
    ),
)
IDENTITY = {
    "openid": "Know who you are",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Stay signed in while you are away",
}
"""What is asked of a person and not of the API."""
API_SCOPES: dict[str, str] = {
    f"{family.name}:{kind}": text
    for family in FAMILIES
    for kind, text in (("read", family.reads), ("write", family.writes))
}
SCOPES: dict[str, str] = {**IDENTITY, **API_SCOPES}
"""Every scope with what the consent page says of it."""


@cache
def family_of() -> Mapping[str, str]:
    """The family of each kind of object by name; kinds that share policy lines share it."""
    found = {resource: family.name for family in FAMILIES for resource in family.resources}
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
    return (*(s for s in SCOPES if s in asked), *sorted(asked - SCOPES.keys()))


def told(scopes: Iterable[str]) -> list[str]:
    """What a consent page says of scopes: one that writes also reads."""
    named = set(scopes)
    return [text for s, text in SCOPES.items() if s in named and s.replace(":read", ":write") not in named - {s}]
