"""What the two partner factories of the demo offer on the market."""

from datetime import timedelta
from typing import TYPE_CHECKING

from woaas_capacity_market import listings
from woaas_capacity_market.inputs import CapacityWindow, ListPrice, NewListing
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

OFFERS: dict[str, tuple[tuple[str, str | None, tuple[str, ...], str], ...]] = {
    "partner": (("anodising", None, ("aluminium",), "3.20"), ("powder-coating", "paint", (), "2.40")),
    "partner2": (("milling", "mill", ("steel", "aluminium"), "38.00"), ("anodising", None, (), "4.10")),
}


async def offer(uow: "UnitOfWork", principal: Principal, label: str) -> None:
    """List the partner's spare capacity for the next four weeks."""
    start = uow.clock.now().replace(minute=0, second=0, microsecond=0)
    for process, equipment_class, materials, amount in OFFERS.get(label, ()):
        body = NewListing(
            process=process,
            equipment_class=equipment_class,
            materials=list(materials),
            windows=[CapacityWindow(start_at=start, end_at=start + timedelta(days=28), slots=6)],
            price=ListPrice(amount=amount, currency="CNY"),
            region="jiangsu",
        )
        await listings.create(uow, principal, body)
