"""The kitting rate: lots pegged to operations by urgency, what is short and until when."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from woaas_work_orders.orders.pegging import Demand, peg, urgency

pytestmark = pytest.mark.anyio
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
LATER = TOMORROW + timedelta(days=3)


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


def need(material: str, quantity: str) -> dict[str, Any]:
    return {"material": material, "quantity": quantity, "unit": "pcs"}


async def lot(client: AsyncClient, code: str, material: str, quantity: str, at: datetime | None = None) -> None:
    planned = {"disposition": "planned", "available_at": at.isoformat()} if at else {"disposition": "unrestricted"}
    answer = await client.put(f"/v1/material-lots/{code}", json={"material": material, "quantity": quantity, **planned})
    assert answer.is_success, answer.text


async def order(client: AsyncClient, *materials: dict[str, Any], **fields: Any) -> dict[str, Any]:
    step = {"name": "a", "materials": list(materials)}
    body = {"product": "P", "quantity": "1", "release": True, "operations": [step], **fields}
    answer = await client.post("/v1/work-orders", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def kitting(client: AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/work-orders/{order['id']}/kitting")
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestRate:
    async def test_it_is_the_share_of_material_lines_covered_now(self, client: AsyncClient) -> None:
        await lot(client, "L1", "BAR", "10")
        await lot(client, "L2", "CAP", "2")
        await lot(client, "L3", "CAP", "8", TOMORROW)
        made = await order(client, need("BAR", "10"), need("CAP", "5"), need("OIL", "1"), need("CAP", "1"))
        found = await kitting(client, made)
        assert found["kitting_rate"] == "0.5000"  # BAR is there, OIL is not tracked; both lines of CAP wait
        (operation,) = found["operations"]
        assert operation["operation_id"] == made["operations"][0]["id"]
        assert operation["complete_at"] == TOMORROW.isoformat().replace("+00:00", "Z")
        first, second = operation["shortages"]
        assert (first["material"], first["required"], first["available"], first["missing"]) == ("CAP", "5", "2", "0")
        assert (second["required"], second["available"]) == ("1", "0")

    async def test_what_no_lot_will_cover_is_missing_and_has_no_date(self, client: AsyncClient) -> None:
        await lot(client, "L1", "BAR", "4", TOMORROW)
        (operation,) = (await kitting(client, await order(client, need("BAR", "10"))))["operations"]
        assert (operation["complete_at"], operation["shortages"][0]["missing"]) == (None, "6")
        assert operation["shortages"][0]["complete_at"] is None

    async def test_the_more_urgent_order_has_its_share_first(self, client: AsyncClient) -> None:
        await lot(client, "L1", "BAR", "10")
        usual = await order(client, need("BAR", "10"), priority=3)
        assert (await kitting(client, usual))["kitting_rate"] == "1.0000"
        rush = await order(client, need("BAR", "6"), priority=1)
        assert (await kitting(client, rush))["kitting_rate"] == "1.0000"
        assert (await kitting(client, usual))["operations"][0]["shortages"][0]["available"] == "4"
        await client.post(f"/v1/work-orders/{rush['id']}/cancel", json={})
        assert (await kitting(client, usual))["kitting_rate"] == "1.0000"

    async def test_what_is_kitted_or_needs_nothing_is_complete(self, client: AsyncClient) -> None:
        await lot(client, "L1", "BAR", "1", LATER)
        made = await order(client, need("BAR", "1"))
        assert (await kitting(client, made))["kitting_rate"] == "0.0000"
        body = {"lots": [{"lot": "L1", "quantity": "1"}]}
        answer = await client.post(f"/v1/operations/{made['operations'][0]['id']}/kit", json=body)
        assert answer.is_success, answer.text
        assert (await kitting(client, made))["kitting_rate"] == "1.0000"
        bare = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
        assert (await kitting(client, bare))["kitting_rate"] == "1"


class TestDoor:
    async def test_strangers_and_guests_learn_nothing(self, factory: Tenant, client: AsyncClient) -> None:
        made = await order(client, need("BAR", "1"), customer="ACME")
        path = f"/v1/work-orders/{made['id']}/kitting"
        async with factory.client("nobody") as nobody:
            assert (await nobody.get(path)).status_code == 401
        async with factory.client(await factory.key("partner")) as guest:
            assert (await guest.get(path)).status_code == 403
        async with factory.client(await factory.key("customer", customer="ACME")) as guest:
            assert (await guest.get(path)).status_code == 404
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.get(path)).status_code == 200


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 20)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=8),
)
def test_pegging_gives_away_each_piece_once_and_leaves_nothing_that_is_wanted(
    demands: list[tuple[int, int]], lots: list[tuple[int, int]]
) -> None:
    """Whatever the mix: no piece twice, no shortage beside stock, and the urgent never wait for the less urgent."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    asked = [
        Demand(uuid4(), urgency(priority, None, f"{i:02}"), [need("BAR", str(quantity))])
        for i, (priority, quantity) in enumerate(demands)
    ]
    bodies = [
        {"material": "BAR", "quantity": str(q), "disposition": "planned",
         "available_at": (start + timedelta(days=d)).isoformat()}
        for d, q in lots
    ] or [{"material": "BAR", "quantity": "0"}]  # fmt: skip
    found = {key: value[0] for key, value in peg(asked, bodies).items()}
    given_away = sum((quantity for p in found.values() for _, quantity in p.lots), Decimal(0))
    wanted, stock = sum(q for _, q in demands), sum(q for _, q in lots)
    assert given_away == min(wanted, stock)
    assert sum((p.missing for p in found.values()), Decimal(0)) == max(0, wanted - stock)
    by_urgency = [found[d.operation_id] for d in sorted(asked, key=lambda d: d.urgency)]
    times = [at for p in by_urgency for at, _ in p.lots]
    assert times == sorted(times)
