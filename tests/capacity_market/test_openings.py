"""What a grant opens to a contract's partner beside the package, while it lasts."""

from datetime import timedelta
from typing import Any

import pytest
from fixtures.market import Market, get, post

from woaas_core.clock import SystemClock

pytestmark = pytest.mark.anyio

CANARY = "op3canary"
STEP = {
    "name": "Milling",
    "unit_time": "PT3M",
    "sourcing": "either",
    "custom_fields": {"curve": CANARY, "secret": f"{CANARY}-never"},
}


class MovedClock:
    """The system's clock, moved by hand."""

    by = timedelta()

    def now(self) -> Any:
        """The moved time."""
        return SystemClock().now() + self.by


async def grant(market: Market, contract: Any, status: int = 201, **changes: Any) -> Any:
    """The buyer's grant of one custom field."""
    body = {
        "resource": "operation",
        "fields": ["custom_fields.curve", "unit_time"],
        "to": contract["id"],
        "purpose": "first article",
        "expires_at": (SystemClock().now() + timedelta(hours=1)).isoformat(),
    }
    return await post(market.buyer, "/v1/grants", {**body, **changes}, status)


async def test_it_is_in_the_package_while_it_lasts(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MovedClock()
    monkeypatch.setattr(market.world.db, "clock", clock)
    contract = await market.deal(order=await market.order(operations=[STEP]))
    path = f"/v1/market/contracts/{contract['id']}/package"
    await market.run(contract, "accept", "package")
    assert (await get(market.partner, path))["granted"] == []
    given = await grant(market, contract)
    package = await get(market.partner, path)
    assert [g["fields"] for g in package["granted"]] == [{"custom_fields": {"curve": CANARY}, "unit_time": "PT3M"}]
    assert package["granted"][0]["purpose"] == "first article"
    assert "custom_fields" not in package["fields"]
    assert "never" not in str(package)
    await market.settle()
    for client in (market.buyer, market.partner):
        observed = (await get(client, "/v1/audit/entries?type=package.observed"))["data"]
        assert observed[0]["data"]["purposes"] == ["first article"]
    await post(market.buyer, f"/v1/grants/{given['id']}/revoke", {}, 200)
    assert CANARY not in (await market.partner.get(path)).text
    await grant(market, contract)
    assert CANARY in (await market.partner.get(path)).text
    clock.by = timedelta(minutes=61)
    assert CANARY not in (await market.partner.get(path)).text


async def test_only_the_buyer_opens_and_nothing_that_must_stay(market: Market) -> None:
    order = await market.order(operations=[STEP])
    contract = await market.deal(order=order)
    for changes in ({"fields": ["*"]}, {"fields": ["work_order_id"]}, {"resource": "work_order", "fields": ["title"]}):
        await grant(market, contract, 422, **changes)
    body = {
        "resource": "operation",
        "fields": ["unit_time"],
        "to": contract["id"],
        "purpose": "mine",
        "expires_at": (SystemClock().now() + timedelta(hours=1)).isoformat(),
    }
    refused = await post(market.partner, "/v1/grants", body, 403)
    assert refused["code"] == "wrong_party"
    async with (await market.world.tenant("Third")).client() as third:
        assert (await third.post("/v1/grants", json=body)).status_code == 404
    await market.buyer.patch(f"/v1/work-orders/{order['id']}", json={"export_controlled": True})
    assert (await grant(market, contract, 409))["code"] == "export_controlled"


async def test_an_order_that_becomes_export_controlled_leaves_the_market(market: Market) -> None:
    shared = await market.order(operations=[STEP])
    contract = await market.deal(order=shared)
    path = f"/v1/market/contracts/{contract['id']}/package"
    await market.run(contract, "accept", "package")
    await grant(market, contract)
    offered = await market.order()
    request = await market.request(order=offered)
    for order in (shared, offered):
        await market.buyer.patch(f"/v1/work-orders/{order['id']}", json={"export_controlled": True})
    await market.settle()
    assert (await get(market.buyer, f"/v1/market/requests/{request['id']}"))["state"] == "cancelled"
    assert (await get(market.partner, "/v1/market/board"))["data"] == []
    assert CANARY not in (await market.partner.get(path)).text
    assert (await get(market.partner, f"/v1/market/contracts/{contract['id']}"))["state"] == "package_released"
