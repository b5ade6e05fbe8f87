from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_capacity_market.matching import WEIGHTS, Demand, Supply, Window, match
from woaas_core.ids import uuid7

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DEMAND = Demand(
    process="milling",
    equipment_class="5-axis",
    material_family="steel",
    quantity=Decimal(100),
    work_time=timedelta(hours=20),
    start_at=NOW,
    due_at=NOW + 10 * DAY,
    region="CN-ZJ",
    currency="CNY",
    max_price=Decimal(2000),
)
SUPPLY = Supply(
    listing_id=uuid7(),
    party_id=uuid7(),
    process="Milling",
    equipment_class="5-axis",
    materials=("steel", "brass"),
    windows=(Window(NOW + DAY, NOW + 5 * DAY, 2, 1),),
    price_amount=Decimal(10),
    currency="CNY",
    price_per="unit",
    min_order=Decimal(50),
    region="CN-ZJ",
    quality=Decimal("0.9"),
)


def test_a_listing_that_fits_is_scored_and_explained() -> None:
    (found,) = match(DEMAND, [SUPPLY], NOW)
    assert found.terms == {"price": 1.0, "lateness": 1.0, "quality": 0.9, "distance": 1.0, "load": 0.5}
    assert found.score == 0.9
    assert "can finish by the due time" in found.explanation


@pytest.mark.parametrize(
    "change",
    [
        {"process": "turning"},
        {"equipment_class": None},
        {"equipment_class": "3-axis"},
        {"materials": ("brass",)},
        {"min_order": Decimal(101)},
        {"currency": "EUR"},
        {"windows": (Window(NOW + DAY, NOW + 5 * DAY, 2, 0),)},
        {"windows": (Window(NOW + 10 * DAY, NOW + 15 * DAY, 2, 2),)},
        {"windows": (Window(NOW - 5 * DAY, NOW, 2, 2),)},
    ],
)
def test_each_hard_filter_alone_excludes(change: dict[str, object]) -> None:
    assert match(DEMAND, [replace(SUPPLY, **change)], NOW) == []  # type: ignore[arg-type]


def test_what_the_buyer_leaves_open_excludes_nobody() -> None:
    anything = replace(DEMAND, process=None, equipment_class=None, material_family=None, region=None)
    other = replace(SUPPLY, process="casting", equipment_class=None, materials=())
    assert len(match(anything, [other], NOW)) == 1


def test_prices_per_hour_and_lot_are_compared_for_the_whole() -> None:
    by_hour = replace(SUPPLY, listing_id=uuid7(), price_per="hour", price_amount=Decimal(40))  # 20 h: 800
    by_lot = replace(SUPPLY, listing_id=uuid7(), price_per="lot", price_amount=Decimal(1600))
    found = match(DEMAND, [by_lot, SUPPLY, by_hour], NOW)
    assert [c.listing_id for c in found] == [by_hour.listing_id, SUPPLY.listing_id, by_lot.listing_id]
    assert [c.terms["price"] for c in found] == [1.0, 0.8, 0.5]


def test_a_list_price_above_the_limit_scores_nothing_for_price() -> None:
    (found,) = match(replace(DEMAND, max_price=Decimal(999)), [SUPPLY], NOW)
    assert found.terms["price"] == 0
    assert "above your price limit at list price" in found.explanation


def test_too_late_a_window_is_a_prediction_and_no_exclusion() -> None:
    late = replace(SUPPLY, windows=(Window(NOW + 10 * DAY - timedelta(hours=10), NOW + 20 * DAY, 1, 1),))
    (found,) = match(DEMAND, [late], NOW)
    assert found.terms["lateness"] == 0.5


supplies = st.builds(
    lambda slots, taken, price, quality, minimum: replace(
        SUPPLY,
        listing_id=uuid7(),
        windows=(Window(NOW, NOW + DAY, slots, max(slots - taken, 0)),),
        price_amount=price,
        quality=quality,
        min_order=minimum,
    ),
    st.integers(1, 9),
    st.integers(0, 9),
    st.decimals(0, 1000, places=2),
    st.none() | st.decimals(0, 1, places=3),
    st.decimals(0, 200, places=0),
)


@given(st.lists(supplies, max_size=8), st.randoms())
def test_scores_are_rounded_bounded_and_independent_of_order(found: list[Supply], random: object) -> None:
    ranked = match(DEMAND, found, NOW)
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match(DEMAND, shuffled, NOW) == ranked
    for candidate in ranked:
        assert set(candidate.terms) == set(WEIGHTS)
        for value in (candidate.score, *candidate.terms.values()):
            assert 0 <= value <= 1
            assert value == round(value, 1)


def test_the_weights_add_up() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
