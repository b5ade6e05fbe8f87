"""Deals between two tenants on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fixtures.app import World
from fixtures.market import DUE, Market, get, post

import woaas.audit
from woaas_capacity_market import contracts
from woaas_capacity_market.errors import CapacityTaken
from woaas_capacity_market.handlers import draft_overflow
from woaas_capacity_market.requests import expire_due
from woaas_core.events.readers import LoggedEvent
from woaas_core.ids import decode_id, uuid7

pytestmark = pytest.mark.anyio


class TestDoors:
    PATHS = ("listings", "requests", "board", "quotes", "contracts", "contracts/ctr_x", "contracts/ctr_x/package")

    async def test_anonymous_is_401(self, market: Market) -> None:
        anonymous = market.buyer_tenant.client("nobody")
        for path in self.PATHS:
            await get(anonymous, f"/v1/market/{path}", 401)

    async def test_operators_have_no_part_in_it_and_planners_do(self, market: Market) -> None:
        operator = market.buyer_tenant.client(await market.buyer_tenant.key("operator"))
        planner = market.buyer_tenant.client(await market.buyer_tenant.key("planner"))
        for path in ("listings", "requests", "board", "quotes", "contracts"):
            await get(operator, f"/v1/market/{path}", 403)
            await get(planner, f"/v1/market/{path}")
        body = {"process": "milling", "price": {"amount": "1", "currency": "CNY"}}
        await post(operator, "/v1/market/listings", body, 403)
        await post(planner, "/v1/market/listings", body, 201)

    async def test_what_belongs_to_others_is_404_to_everybody_else(self, market: Market, world: World) -> None:
        listing = await market.listing()
        request = await market.request()
        quote = await market.quote(request)
        contract = await market.award(request, quote)
        stranger = (await world.tenant("Stranger")).client()
        for path in (
            f"listings/{listing['id']}",
            f"requests/{request['id']}",
            f"quotes/{quote['id']}",
            f"contracts/{contract['id']}",
            f"contracts/{contract['id']}/package",
        ):
            await get(stranger, f"/v1/market/{path}", 404)
        for path in (
            f"listings/{listing['id']}/pause",
            f"requests/{request['id']}/publish",
            f"quotes/{quote['id']}/accept",
            f"contracts/{contract['id']}/accept",
            f"contracts/{contract['id']}/cancel",
        ):
            await post(stranger, f"/v1/market/{path}", {}, 404)
        await post(stranger, f"/v1/market/requests/{request['id']}/award", {"quote_id": quote["id"]}, 404)
        for path in ("listings", "requests", "quotes", "contracts", f"requests/{request['id']}/quotes"):
            assert (await get(stranger, f"/v1/market/{path}"))["data"] == []


class TestBoard:
    async def test_live_and_sandbox_never_meet(self, market: Market, world: World) -> None:
        await market.listing()
        request = await market.request()
        sandbox = (await world.tenant("Sandbox", livemode=False)).client()
        assert (await get(sandbox, "/v1/market/board"))["data"] == []
        await post(sandbox, f"/v1/market/requests/{request['id']}/nda", {"signature": "S"}, 404)
        body = {"price": {"amount": "1.00", "currency": "CNY"}, "lead_time": "P1D"}
        await post(sandbox, f"/v1/market/requests/{request['id']}/quotes", body, 404)
        assert len((await get(market.partner, "/v1/market/board"))["data"]) == 1
        assert (await get(market.buyer, "/v1/market/board"))["data"] == []

    async def test_a_draft_is_not_on_it_and_a_withdrawn_request_leaves_it(self, market: Market) -> None:
        await market.listing()
        draft = await market.request(publish=False)
        assert (await get(market.partner, "/v1/market/board"))["data"] == []
        await post(market.buyer, f"/v1/market/requests/{draft['id']}/publish")
        quote = await market.quote(draft)
        ended = await post(market.buyer, f"/v1/market/requests/{draft['id']}/withdraw")
        assert (ended["state"], ended["open_quotes"]) == ("withdrawn", 0)
        assert (await get(market.partner, "/v1/market/board"))["data"] == []
        assert (await get(market.partner, f"/v1/market/quotes/{quote['id']}"))["state"] == "declined"

    async def test_export_controlled_orders_are_never_offered(self, market: Market) -> None:
        order = await market.order(export_controlled=True)
        body = {"operation_id": order["operations"][0]["id"], "due_at": DUE}
        refused = await post(market.buyer, "/v1/market/requests", body, 409)
        assert refused["code"] == "export_controlled"
        later = await market.order()
        draft = await market.request(publish=False, order=later)
        response = await market.buyer.patch(f"/v1/work-orders/{later['id']}", json={"export_controlled": True})
        assert response.status_code == 200
        for command, method in (("publish", post), ("candidates", get)):
            arguments: tuple[Any, ...] = ({}, 409) if method is post else (409,)
            refused = await method(market.buyer, f"/v1/market/requests/{draft['id']}/{command}", *arguments)
            assert refused["code"] == "export_controlled"

    async def test_nothing_is_asked_for_by_a_time_that_has_passed(self, market: Market) -> None:
        past = "2020-01-01T00:00:00Z"
        overdue = await market.order(due_at=past)
        body = {"operation_id": overdue["operations"][0]["id"]}
        for wrong, pointer in (({}, "/due_at"), ({"due_at": DUE, "expires_at": past}, "/expires_at")):
            refused = await post(market.buyer, "/v1/market/requests", {**body, **wrong}, 422)
            assert [(e["pointer"], e["code"]) for e in refused["errors"]] == [(pointer, "in_the_past")]
        soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
        draft = await market.request(publish=False, order=overdue, expires_at=soon)
        await asyncio.sleep(0.4)
        refused = await post(market.buyer, f"/v1/market/requests/{draft['id']}/publish", {}, 409)
        assert refused["code"] == "guard_failed"

    async def test_candidates_are_scored_without_raw_load_or_cost(self, market: Market) -> None:
        await market.listing()
        request = await market.request()
        (found,) = (await get(market.buyer, f"/v1/market/requests/{request['id']}/candidates"))["data"]
        assert found["counterparty"].startswith("pty_")
        assert set(found) == {"listing_id", "counterparty", "score", "terms", "explanation"}
        assert "12.345678" not in str(found)
        await get(market.partner, f"/v1/market/requests/{request['id']}/candidates", 404)

    async def test_who_may_not_read_what_a_score_is_made_of_is_not_told_why(self, market: Market) -> None:
        await market.listing()
        request = await market.request()
        planner = market.buyer_tenant.client(await market.buyer_tenant.key("planner"))
        path = f"/v1/market/requests/{request['id']}/candidates"
        async with planner:
            assert (await get(planner, path))["data"][0]["explanation"]
            policy = {"resource": "market_request", "field": "max_price", "role": "planner", "access": "none"}
            await post(market.buyer, "/v1/field-policies", policy, 201)
            (found,) = (await get(planner, path))["data"]
        assert set(found) == {"listing_id", "counterparty", "score"}

    async def test_time_runs_out(self, market: Market, world: World) -> None:
        await market.listing()
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        request = await market.request(expires_at=soon)
        await asyncio.sleep(1.1)
        assert (await get(market.partner, "/v1/market/board"))["data"] == []
        async with world.db.unit_of_work() as uow:
            system = await world.authenticator.as_system(uow, market.buyer_tenant.id, "test")
            assert await expire_due(uow, system) == 1
        assert (await get(market.buyer, f"/v1/market/requests/{request['id']}"))["state"] == "expired"


class TestQuotes:
    async def test_an_offer_goes_back_and_forth_until_the_other_side_accepts(self, market: Market) -> None:
        await market.listing()
        request = await market.request()
        quote = await market.quote(request)
        path = f"/v1/market/quotes/{quote['id']}"
        lower = {"price": {"amount": "900.00", "currency": "CNY"}, "lead_time": "P2D"}
        assert (await post(market.partner, f"{path}/accept", {}, 403))["code"] == "wrong_party"
        countered = await post(market.buyer, f"{path}/counter", lower)
        assert (countered["state"], countered["offered_by"], countered["lead_time"]) == ("countered", "buyer", "P2D")
        refused = await post(market.buyer, f"/v1/market/requests/{request['id']}/award", {"quote_id": quote["id"]}, 409)
        assert refused["code"] == "guard_failed"
        assert (await post(market.buyer, f"{path}/accept", {}, 403))["code"] == "wrong_party"
        accepted = await post(market.partner, f"{path}/accept")
        assert accepted["price"] == {"amount": "900.00", "currency": "CNY"}
        assert (await post(market.partner, f"{path}/withdraw", {}, 409))["allowed_commands"] == []
        assert (await market.award(request, quote))["price"]["amount"] == "900.00"

    async def test_the_limit_is_the_buyers_secret_and_plays_no_part_in_the_answer(self, market: Market) -> None:
        await market.listing()
        request = await market.request(max_price={"amount": "500.00", "currency": "CNY"})
        quote = await market.quote(request)
        assert "within_max_price" not in quote
        shown = await get(market.buyer, f"/v1/market/quotes/{quote['id']}")
        assert shown["within_max_price"] is False

    async def test_one_open_quote_a_partner_and_a_listing_behind_it(self, market: Market) -> None:
        request = await market.request()
        terms = {"price": {"amount": "1.00", "currency": "CNY"}, "lead_time": "P1D"}
        path = f"/v1/market/requests/{request['id']}/quotes"
        assert (await post(market.partner, path, terms, 409))["code"] == "guard_failed"
        await market.listing()
        quote = await market.quote(request)
        assert (await post(market.partner, path, terms, 409))["code"] == "conflict"
        await post(market.partner, f"/v1/market/quotes/{quote['id']}/withdraw")
        await market.quote(request)
        other = {**terms, "price": {"amount": "1.00", "currency": "EUR"}}
        assert (await post(market.partner, path, other, 409))["code"] == "currency_mismatch"

    async def test_an_nda_opens_its_details_to_the_signer_alone(self, market: Market, world: World) -> None:
        request = await market.request()
        path = f"/v1/market/requests/{request['id']}/nda"
        signed = await post(market.partner, path, {"signature": "P. Artner"}, 201)
        assert signed["details"] == {"inspection_required": False, "quantity": "100", "unit": "pcs"}
        assert (await post(market.partner, path, {"signature": "P. Artner"}))["id"] == signed["id"]
        assert await get(market.partner, path) == signed
        await get((await world.tenant("Other")).client(), path, 404)


class TestAward:
    async def test_of_two_awards_on_one_window_one_wins(self, market: Market, world: World) -> None:
        await market.listing(windows=[{"start_at": "2030-01-01T00:00:00Z", "end_at": "2030-02-01T00:00:00Z"}])
        second = Market(world, await world.tenant("Second buyer"), market.partner_tenant)
        pairs = []
        for side in (market, second):
            request = await side.request()
            pairs.append((side, request, await side.quote(request)))
        answers = await asyncio.gather(
            *(
                side.buyer.post(f"/v1/market/requests/{request['id']}/award", json={"quote_id": quote["id"]})
                for side, request, quote in pairs
            )
        )
        assert sorted(a.status_code for a in answers) == [201, 409]
        assert next(a for a in answers if a.status_code == 409).json()["code"] == "capacity_taken"
        (listing,) = (await get(market.partner, "/v1/market/listings"))["data"]
        assert [w["free"] for w in listing["windows"]] == [0]

    async def test_an_award_waits_for_the_one_before_it_on_the_listing(self, market: Market, world: World) -> None:
        """The first award is held open before its commit until the second one waits for its lock."""
        await market.listing()
        second = Market(world, await world.tenant("Second buyer"), market.partner_tenant)
        pairs = []
        for side in (market, second):
            request = await side.request()
            pairs.append((side, decode_id("mrq", request["id"]), decode_id("quo", (await side.quote(request))["id"])))

        async def award(side: Market, request_id: UUID, quote_id: UUID) -> None:
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, side.buyer_tenant.id, "test")
                await contracts.award(uow, principal, request_id, quote_id)

        async with world.db.unit_of_work() as uow:
            principal = await world.authenticator.as_system(uow, market.buyer_tenant.id, "test")
            await contracts.award(uow, principal, *pairs[0][1:])
            later = asyncio.create_task(award(*pairs[1]))
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while not later.done() and not await uow.connection.fetchval(waiting):  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0)
        with pytest.raises(CapacityTaken):
            await later

    async def test_of_two_awards_of_one_request_one_wins(self, market: Market, world: World) -> None:
        third = Market(world, market.buyer_tenant, await world.tenant("Third"))
        request = await market.request()
        quotes = []
        for side in (market, third):
            await side.listing()
            quotes.append(await side.quote(request))
        path = f"/v1/market/requests/{request['id']}/award"
        answers = await asyncio.gather(*(market.buyer.post(path, json={"quote_id": q["id"]}) for q in quotes))
        assert sorted(a.status_code for a in answers) == [201, 409]
        assert next(a for a in answers if a.status_code == 409).json()["code"] == "capacity_taken"
        states = [(await get(market.buyer, f"/v1/market/quotes/{q['id']}"))["state"] for q in quotes]
        assert sorted(states) == ["accepted", "declined"]
        free = []
        for side in (market, third):
            (listing,) = (await get(side.partner, "/v1/market/listings"))["data"]
            free.append(listing["windows"][0]["free"])
        assert sorted(free) == [0, 1]

    async def test_cancelling_gives_capacity_and_operation_back(self, market: Market) -> None:
        order = await market.order()
        contract = await market.deal(order=order)
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        assert (await get(market.buyer, operation))["contract_id"] == contract["id"]
        assert (await market.run(contract, "accept", "cancel"))["state"] == "cancelled"
        assert (await get(market.buyer, operation))["contract_id"] is None
        (listing,) = (await get(market.partner, "/v1/market/listings"))["data"]
        assert listing["windows"][0]["free"] == 1
        await market.request(order=order)


class TestContract:
    async def test_a_deal_runs_to_its_end_and_the_buyers_operation_with_it(self, market: Market) -> None:
        order = await market.order()
        contract = await market.deal(order=order)
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        assert (contract["party"], contract["counterparty_name"]) == ("buyer", None)
        await market.run(contract, "accept", "package", "start")
        await market.settle()
        assert (await get(market.buyer, operation))["state"] == "running"
        await market.run(contract, "report:60", "report:38", "ship")
        await market.settle()
        shown = await get(market.buyer, operation)
        assert (shown["external_state"], shown["good"], shown["state"]) == ("shipped", "98", "running")
        await market.run(contract, "receive", "inspect:rework", "start", "report:2", "ship", "receive", "inspect:pass")
        done = await market.run(contract, "accept-delivery", "settle", "close")
        await market.settle()
        shown = await get(market.buyer, operation)
        assert (shown["state"], shown["good"]) == ("completed", "100")
        assert (done["state"], done["counterparty_name"]) == ("closed", "Partner Works")
        other = await get(market.partner, f"/v1/market/contracts/{contract['id']}")
        assert (other["party"], other["counterparty_name"]) == ("partner", "Buyer GmbH")
        assert done["settlement"] == other["settlement"]
        assert done["settlement"]["gross"]["amount"] == "987.10"
        assert done["settlement"]["fee"]["amount"] == "49.36"  # 49.355, half up
        assert done["settlement"]["net"]["amount"] == "937.74"

    async def test_both_logs_tell_of_the_settlement_each_in_its_role(self, market: Market) -> None:
        contract = await market.deal()
        await market.run(contract, "accept", "package", "start", "ship", "receive", "inspect:pass")
        await market.run(contract, "accept-delivery", "settle")
        await market.settle()
        facts = {}
        for client in (market.buyer, market.partner):
            (event,) = (await get(client, "/v1/events?type=contract.settled"))["data"]
            facts[event["data"].pop("role")] = event["data"]
        assert facts["buyer"] == facts["partner"] == {
            "contract_id": contract["id"],
            "state": "settled",
            "gross_minor": 98710,
            "fee_minor": 4936,
            "net_minor": 93774,
            "currency": "CNY",
        }  # fmt: skip

    async def test_each_party_can_verify_its_own_log_of_the_whole_deal(self, market: Market, tmp_path: Path) -> None:
        contract = await market.deal()
        await market.run(contract, "accept", "package", "start", "report:100", "ship", "receive", "inspect:pass")
        await market.run(contract, "accept-delivery", "settle", "close")
        for tenant, client in ((market.buyer_tenant, market.buyer), (market.partner_tenant, market.partner)):
            await market.settle()
            export = await post(client, "/v1/audit/exports", {}, 202)
            await market.settle()
            bundle = tmp_path / f"{tenant.id}.zip"
            bundle.write_bytes((await client.get(f"/v1/audit/exports/{export['id']}/download")).content)
            assert woaas.audit.verify(bundle).problems == []

    async def test_the_wrong_party_is_403_and_a_wrong_moment_409(self, market: Market) -> None:
        contract = await market.deal()
        path = f"/v1/market/contracts/{contract['id']}"
        assert (await post(market.buyer, f"{path}/accept", {}, 403))["code"] == "wrong_party"
        assert (await post(market.partner, f"{path}/settle", {}, 403))["code"] == "wrong_party"
        refused = await post(market.buyer, f"{path}/settle", {}, 409)
        assert (refused["code"], refused["allowed_commands"]) == ("invalid_transition", ["cancel"])

    async def test_rejected_goods_are_not_paid_for(self, market: Market) -> None:
        contract = await market.deal()
        await market.run(contract, "accept", "package", "start", "ship", "receive", "inspect:reject")
        path = f"/v1/market/contracts/{contract['id']}"
        assert (await post(market.buyer, f"{path}/accept-delivery", {}, 409))["code"] == "guard_failed"
        disputed = await post(market.partner, f"{path}/dispute", {"reason": "The gauge was wrong."})
        assert (disputed["state"], disputed["dispute_reason"]) == ("disputed", "The gauge was wrong.")
        assert (await post(market.buyer, f"{path}/cancel", {}, 409))["allowed_commands"] == ["resolve"]
        assert (await post(market.buyer, f"{path}/resolve"))["state"] == "inspected"
        assert (await post(market.buyer, f"{path}/cancel"))["state"] == "cancelled"

    async def test_the_package_is_a_frozen_copy_read_under_audit_and_gone_at_the_end(self, market: Market) -> None:
        order = await market.order()
        contract = await market.deal(order=order)
        path = f"/v1/market/contracts/{contract['id']}/package"
        await get(market.partner, path, 404)
        await market.run(contract, "accept", "package")
        package = await get(market.partner, path)
        assert set(package["fields"]) == {"name", "quantity", "unit", "materials", "skills", "inspection_required"}
        await market.buyer.patch(f"/v1/operations/{order['operations'][0]['id']}", json={"name": "Changed later"})
        assert await get(market.partner, path) == package
        await market.settle()
        for client in (market.buyer, market.partner):
            assert len((await get(client, "/v1/audit/entries?type=package.observed"))["data"]) == 2
        await market.run(contract, "cancel")
        assert (await get(market.partner, path, 410))["code"] == "expired"
        await get(market.buyer, path)

    async def test_a_request_disclosed_to_the_nda_alone_gives_no_package(self, market: Market) -> None:
        contract = await market.deal(disclosure="nda")
        await market.run(contract, "accept")
        refused = await post(market.buyer, f"/v1/market/contracts/{contract['id']}/package", {}, 409)
        assert refused["code"] == "guard_failed"

    async def test_a_reader_meets_an_operation_that_cannot_move_yet(self, market: Market) -> None:
        order = await market.order(release=False)
        contract = await market.deal(order=order)
        await market.run(contract, "accept", "package", "start", "report:5")
        await market.settle()
        shown = await get(market.buyer, f"/v1/operations/{order['operations'][0]['id']}")
        assert (shown["state"], shown["external_state"], shown["good"]) == ("pending", "in_production", "0")


class TestOverflow:
    async def test_operations_without_a_place_become_drafts_once(self, market: Market, world: World) -> None:
        outside, inside = await market.order(), await market.order(operations=[{"name": "Inside"}])
        secret = await market.order(export_controlled=True)
        ids = [o["operations"][0]["id"] for o in (outside, inside, secret)]
        for _ in range(2):
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, market.buyer_tenant.id, "market_overflow")
                event = LoggedEvent(
                    index=0,
                    id=uuid7(),
                    type="schedule_run.overflowed",
                    subject="run_x",
                    work_order_id=None,
                    recorded_at=uow.clock.now(),
                    data={"operation_ids": ids},
                )
                await draft_overflow(uow, event)
        (draft,) = (await get(market.buyer, "/v1/market/requests"))["data"]
        assert (draft["operation_id"], draft["state"], draft["max_price"]) == (ids[0], "draft", None)
