"""The 24 orders of the demo: four done, three running, one late whatever is done, one that needs a partner."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoOrder:
    """An order with where its life stands; ``due_h`` counts from the moment of seeding; None is no due time."""

    product: str
    quantity: int
    customer: str
    due_h: float | None
    priority: int = 3
    life: str = "released"


ORDERS: tuple[DemoOrder, ...] = (
    DemoOrder("BRACKET-S", 40, "ACME", -20, life="completed"),
    DemoOrder("SHAFT-12", 25, "HUAXIN", -6, life="completed"),
    DemoOrder("FITTING-B", 60, "NORDLUX", 30, life="completed"),
    DemoOrder("HOUSING-A", 8, "ACME", 20, life="completed"),
    DemoOrder("BRACKET-S", 60, "YUNDA", 70, life="running"),
    DemoOrder("HOUSING-A", 20, "HUAXIN", 90, priority=2, life="running"),
    DemoOrder("SHAFT-12", 40, "ACME", 80, life="running"),
    # Promised for this evening with two days of milling in it: no plan can save it, and the plan says why.
    DemoOrder("HOUSING-A", 120, "NORDLUX", 6, priority=2),
    # Anodising is not made in the house: overflow, to be offered on the market. It goes to stock without a
    # due time: an order that is not wholly placed would count as a second late one.
    DemoOrder("COVER-W", 30, "HUAXIN", None),
    DemoOrder("BRACKET-S", 30, "ACME", 140),
    DemoOrder("BRACKET-S", 50, "NORDLUX", 160),
    DemoOrder("FITTING-B", 80, "YUNDA", 150),
    DemoOrder("SHAFT-12", 30, "YUNDA", 130, priority=1),
    DemoOrder("SHAFT-12", 60, "HUAXIN", 190),
    DemoOrder("HOUSING-A", 15, "YUNDA", 170),
    DemoOrder("FITTING-B", 100, "ACME", 180),
    DemoOrder("BRACKET-S", 80, "HUAXIN", 200, priority=4),
    DemoOrder("SHAFT-12", 45, "NORDLUX", 210),
    DemoOrder("HOUSING-A", 18, "ACME", 220),
    DemoOrder("FITTING-B", 50, "HUAXIN", 170),
    DemoOrder("BRACKET-S", 25, "YUNDA", 230, priority=5),
    DemoOrder("SHAFT-12", 20, "ACME", 240),
    DemoOrder("HOUSING-A", 10, "NORDLUX", 260, life="draft"),
    DemoOrder("FITTING-B", 40, "YUNDA", 280, life="draft"),
)
