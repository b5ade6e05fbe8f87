"""Signatures as every rendering of a signed record prints them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from woaas_core.db.statements import Row
from woaas_security.principal import Principal
from woaas_work_orders.signatures.resources import SIGNATURE


def show_signature(principal: Principal, row: Row) -> dict[str, Any]:
    """A signature, its time also in the zone of the place: 21 CFR 11.50 wants it readable there."""
    shown = principal.show(principal.access(SIGNATURE), row)
    if "signed_at" in shown and "time_zone" in shown:
        shown["signed_at_local"] = row["signed_at"].astimezone(ZoneInfo(row["time_zone"])).isoformat(timespec="seconds")
    return shown


def sees_signatures(principal: Principal) -> bool:
    """Whether records are shown to a caller with their signatures."""
    return principal.access(SIGNATURE).sees_anything


def show_signatures(
    principal: Principal, rows: Iterable[Row], operation_id: UUID | None = None
) -> list[dict[str, Any]] | None:
    """The signatures of an order, or of one operation; None where the caller sees none at all."""
    if not sees_signatures(principal):
        return None
    return [show_signature(principal, r) for r in rows if operation_id is None or r["operation_id"] == operation_id]
