"""One side of a deal as that side may see it."""

from typing import Any

from woaas_capacity_market.lifecycle import Party
from woaas_capacity_market.resources import BUYER_ONLY
from woaas_core.db.statements import Row
from woaas_security.authz.access import Access
from woaas_security.principal import Principal


def show_side(principal: Principal, access: Access, row: Row, only: frozenset[str] | None = None) -> dict[str, Any]:
    """A quote or contract through the caller's mask; a partner's lacks the fields that are the buyer's alone."""
    shown = principal.show(access, row, only)
    if row["party"] == Party.PARTNER:
        for name in BUYER_ONLY:
            shown.pop(name, None)
        if "masked_fields" in shown:
            shown["masked_fields"] = [p for p in shown["masked_fields"] if p[1:] not in BUYER_ONLY]
    return shown
