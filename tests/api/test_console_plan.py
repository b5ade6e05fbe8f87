"""The plan's page: the comparison with plain rules and the chains of late orders, in both languages."""

from datetime import UTC, datetime, timedelta

import pytest
from fixtures.app import Tenant, World
from fixtures.console import signed_in
from fixtures.planning import new_order, planned, plant

pytestmark = pytest.mark.anyio


async def late_plan(world: World, factory: Tenant) -> tuple[str, str]:
    """A plan with a late order, and the order's number."""
    async with factory.client() as client:
        await plant(client)
        order = await new_order(client, due_at=(datetime.now(UTC) + timedelta(minutes=5)).isoformat())
        return (await planned(world, client))["schedule_id"], order["number"]


@pytest.mark.parametrize(
    ("language", "compared", "rule", "why", "reason"),
    [
        ("en", "Against plain rules", "First come, first served", "Why orders are late", "the step before ends then"),
        ("zh", "与简单规则对比", "先到先做", "工单为何延误", "前序工序此时结束"),
    ],
)
async def test_the_page_says_what_was_gained_and_why_orders_are_late(
    world: World, factory: Tenant, language: str, compared: str, rule: str, why: str, reason: str
) -> None:
    schedule, number = await late_plan(world, factory)
    async with signed_in(factory, "planner", **{"accept-language": language}) as reader:
        page = (await reader.get(f"/console/plan?schedule={schedule}")).text
    for text in (compared, rule, why, number, reason):
        assert text in page, text


async def test_without_late_orders_nothing_is_explained(world: World, factory: Tenant) -> None:
    async with factory.client() as client:
        await plant(client)
        await new_order(client)
        schedule = (await planned(world, client))["schedule_id"]
    async with signed_in(factory, "planner") as reader:
        page = (await reader.get(f"/console/plan?schedule={schedule}")).text
    assert 'id="late"' not in page
    assert 'id="compared"' in page
