"""Canaries: unique words in everything the buyer hides, and not one byte of them on any of the partner's answers."""

import re
from typing import Any

import asyncpg
import pytest
from fixtures.app import World
from fixtures.market import Market, get, post

from woaas_api.rest.market import ROUTES
from woaas_core.ids import decode_id, encode_id, uuid7

pytestmark = pytest.mark.anyio

HIDDEN = {
    "title": "canary-title",
    "customer": "canary-customer",
    "external_ref": "canary-external-ref",
    "steward": "canary-steward",
    "site": "canary-site",
    "line": "canary-line",
    "asset": "canary-asset",
    "serial_number": "canary-serial",
    "data_class": "canary-data-class",
    "product": "canary-product",
    "participants": ["canary-participant"],
    "custom_fields": {"canary-order-field": "canary-order-value"},
}
HIDDEN_STEP = {
    "setup_group": "canary-setup-group",
    "tool": "canary-tool",
    "work_centers": ["canary-machine"],
    "custom_fields": {"hardness_curve": "canary-hardness", "opened": "58 HRC"},
}
# Theirs from the package on, and not a moment before.
PACKAGED = {"name": "packaged-name", "skills": ["packaged-skill"]}
LIMIT = "471183.13"


async def crawl(market: Market, ids: dict[str, str]) -> str:
    """Every GET of the market and the event feed, headers and all, and every refusal, as the partner."""
    seen: list[str] = []
    for route in ROUTES:
        kind = route.path.split("/")[3]
        path = route.path.replace("{key}", ids.get(kind, "none"))
        if route.is_safe:
            answers = [await market.partner.get(path)]
            if route.is_list:
                for query in ("?limit=1", "?fields=canary", "?q=canary", "?sort=operation_id", "?max_price=471183.13"):
                    answers.append(await market.partner.get(path + query))
        elif route.path.endswith(("/award", "/publish", "/cancel", "/settle", "/package", "/receive")):
            answers = [await market.partner.post(path, json={"quote_id": ids["quotes"]} if "award" in path else {})]
        else:
            continue
        seen += [f"{path} {a.status_code} {a.headers} {a.text}" for a in answers]
    seen.append((await market.partner.get("/v1/events?limit=200")).text)
    for order_id in (ids["order"], ids["operation"]):
        for kind in ("work-orders", "operations"):
            answer = await market.partner.get(f"/v1/{kind}/{order_id}")
            assert answer.status_code == 404
    return "\n".join(seen)


async def test_nothing_hidden_reaches_the_partner_at_any_step(market: Market) -> None:
    step = {**HIDDEN_STEP, **PACKAGED, "unit_time": "PT3M", "sourcing": "outsource"}
    order = await market.order(**HIDDEN, operations=[step])
    await market.buyer.put("/v1/customers/canary-customer", json={"name": "canary-customer-name"})
    await market.buyer.put("/v1/work-centers/canary-machine", json={"name": "canary-machine-name"})
    listing = await market.listing()
    request = await market.request(
        order=order,
        max_price={"amount": LIMIT, "currency": "CNY"},
        disclosure={"process": "milling", "custom_fields": ["opened"]},
    )
    ids = {
        "listings": listing["id"],
        "requests": request["id"],
        "order": order["id"],
        "operation": order["operations"][0]["id"],
        "quotes": "none",
    }
    secrets = ["canary", "471183", order["id"], ids["operation"], order["number"]]
    secrets += [encode_id("ten", market.buyer_tenant.id), str(market.buyer_tenant.id)]

    async def check(*also: str) -> str:
        await market.settle()
        seen = strip_echo(await crawl(market, ids))
        for secret in (*secrets, *also):
            assert secret not in seen, secret
        return seen

    assert request["id"] in await check("packaged", "Buyer GmbH")
    await post(market.partner, f"/v1/market/requests/{request['id']}/nda", {"signature": "P"}, 201)
    quote = await market.quote(request)
    ids["quotes"] = quote["id"]
    await check("packaged", "Buyer GmbH")
    contract = await market.award(request, quote)
    ids["contracts"] = contract["id"]
    await check("packaged", "Buyer GmbH")
    await market.run(contract, "accept", "package")
    assert "58 HRC" in await check()
    await market.run(contract, "start", "report:10", "ship", "receive", "inspect:pass", "accept-delivery", "settle")
    await market.run(contract, "close")
    assert f"/v1/market/contracts/{contract['id']} 200" in await check()


def strip_echo(seen: str) -> str:
    """Answers without what they repeat of our own questions (a refusal names the parameter it does not know)."""
    seen = re.sub(r"/v1/market/\S+\?\S+", "", seen)
    return seen.replace("There is no field 'canary' here.", "")


async def test_the_partners_own_session_finds_no_row_of_the_buyers(market: Market, world: World) -> None:
    contract = await market.deal()
    await market.run(contract, "accept", "package")
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, market.partner_tenant.id, "test")
        for table, rows in {
            "market_requests": 0,
            "work_orders": 0,
            "market_contracts": 1,
            "market_packages": 1,
            "market_quotes": 1,
            "market_commitments": 1,
        }.items():
            assert await uow.connection.fetchval(f"SELECT count(*) FROM {table}") == rows
        hidden: Any = await uow.connection.fetchrow("SELECT operation_id, work_order_id FROM market_own_contracts")
        assert tuple(hidden) == (None, None)


@pytest.mark.parametrize(
    ("kind", "shared"), [("work_order.completed", True), ("contract.settled", False)], ids=["kind", "stranger"]
)
async def test_no_other_fact_can_be_put_into_anothers_log(
    market: Market, world: World, kind: str, shared: bool
) -> None:
    contract = await market.deal()
    teller = market.partner_tenant if shared else await world.tenant("Stranger")
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, teller.id, "test")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await uow.connection.execute(
                "SELECT market_tell($1, $2, $3, $4, 's', 'a', $5, '', '')",
                market.buyer_tenant.id,
                decode_id("ctr", contract["id"]),
                uuid7(),
                kind,
                uow.clock.now(),
            )
        await uow.connection.execute("ROLLBACK")
        await uow.connection.execute("BEGIN")


async def test_foreign_market_ids_are_404_and_say_nothing(market: Market) -> None:
    request = await market.request(publish=False)
    real = await get(market.partner, f"/v1/market/requests/{request['id']}", 404)
    made_up = await get(market.partner, "/v1/market/requests/mrq_01kapxk0000000000000000000", 404)
    for body in (real, made_up):
        body.pop("instance")
        body.pop("request_id")
    assert real == made_up
