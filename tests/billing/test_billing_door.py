"""Billing through the REST door, on the real log."""

import pytest
from fixtures.app import Tenant, World
from fixtures.billing import Complete
from httpx import ASGITransport, AsyncClient

from woaas_billing.verify import verify

pytestmark = pytest.mark.anyio

READS = ("plans", "subscription", "usage", "usage-events", "invoices", "settlements", "reconciliation")
WRITES = (("POST", "invoices"), ("POST", "invoices/preview"), ("PUT", "spend-limit"))


class TestWhoMaySee:
    async def test_anonymous_is_401_everywhere(self, world: World) -> None:
        async with AsyncClient(transport=ASGITransport(app=world.app), base_url="http://woaas.test") as client:
            for path in READS:
                assert (await client.get(f"/v1/billing/{path}")).status_code == 401
            for method, path in WRITES:
                assert (await client.request(method, f"/v1/billing/{path}", json={})).status_code == 401

    async def test_another_tenants_invoice_and_period_are_404(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        await world.settle(factory, other)
        async with factory.client() as client:
            invoice = (await client.post("/v1/billing/invoices", json={"period": "open"})).json()
        async with other.client() as client:
            for key in (invoice["id"], invoice["number"]):
                assert (await client.get(f"/v1/billing/invoices/{key}")).status_code == 404
            assert (await client.get("/v1/billing/usage", params={"period": invoice["period"]})).status_code == 404
            named = await client.post("/v1/billing/invoices", json={"period": invoice["period"]})
            assert named.status_code == 404

    async def test_an_auditor_reads_and_cannot_write(self, world: World, factory: Tenant) -> None:
        await world.settle(factory)
        async with factory.client(await factory.key("auditor")) as client:
            for path in READS:
                assert (await client.get(f"/v1/billing/{path}")).status_code == 200, path
            assert (await client.post("/v1/billing/invoices", json={})).status_code == 403
            assert (await client.put("/v1/billing/spend-limit", json={})).status_code == 403

    @pytest.mark.parametrize("role", ["planner", "supervisor", "operator", "quality", "partner", "customer"])
    async def test_other_roles_see_nothing_of_it(self, world: World, factory: Tenant, role: str) -> None:
        await world.settle(factory)
        async with factory.client(await factory.key(role, customer="ACME" if role == "customer" else None)) as client:
            for path in READS:
                assert (await client.get(f"/v1/billing/{path}")).status_code == 403, path
            for method, path in WRITES:
                assert (await client.request(method, f"/v1/billing/{path}", json={})).status_code == 403, path

    async def test_a_developer_sees_what_is_counted_and_no_amount(self, world: World, factory: Tenant) -> None:
        await world.settle(factory)
        async with factory.client(await factory.key("developer")) as client:
            assert "amount" not in (await client.get("/v1/billing/usage")).json()
            assert (await client.get("/v1/billing/invoices")).status_code == 403


class TestFromOrderToInvoice:
    async def test_one_order_is_counted_once_and_invoiced(
        self, world: World, factory: Tenant, complete: Complete
    ) -> None:
        order = await complete(factory)
        await world.settle(factory)
        async with factory.client() as client:
            events = (await client.get("/v1/billing/usage-events")).json()["data"]
            assert [e["id"] for e in events] == [f"{order}:processed"]
            assert events[0]["work_order_id"] == order
            entry = (await client.get("/v1/events", params={"type": "work_order.completed"})).json()["data"][0]
            assert (events[0]["event_id"], events[0]["audit_index"]) == (entry["id"], entry["auditindex"])
            recorded = (await client.get("/v1/events", params={"type": "usage.recorded"})).json()["data"]
            assert [e["subject"] for e in recorded] == [f"{order}:processed"]
            invoice = await client.post("/v1/billing/invoices", json={"period": "open"})
            assert invoice.status_code == 201
            assert invoice.json()["total"] == {"amount": "0.00", "currency": "CNY"}
            assert invoice.json()["lines"][0]["quantity"] == "1"
            listed = (await client.get("/v1/billing/invoices")).json()["data"]
            assert [i["id"] for i in listed] == [invoice.json()["id"]]
            assert (await client.get(invoice.headers["location"])).json()["lines"] == invoice.json()["lines"]

    async def test_usage_preview_and_invoice_agree(self, world: World, factory: Tenant, complete: Complete) -> None:
        for _ in range(12):
            await complete(factory)
        await world.settle(factory)
        async with factory.client() as client:
            usage = (await client.get("/v1/billing/usage", params={"period": "open"})).json()
            assert (usage["count"], usage["free"], usage["billable"]) == (12, 10, 2)
            assert usage["amount"] == {"amount": "4.00", "currency": "CNY"}
            preview = (await client.post("/v1/billing/invoices/preview", json={})).json()
            invoice = (await client.post("/v1/billing/invoices", json={})).json()
            assert preview["lines"] == invoice["lines"]
            assert preview["total"] == invoice["total"] == usage["amount"]
            after = (await client.get("/v1/billing/usage")).json()
            assert (after["count"], after["status"]) == (0, "open")
            then = (await client.get("/v1/billing/usage", params={"period": invoice["period"]})).json()
            assert (then["count"], then["status"]) == (12, "closed")
            book = (await client.get("/v1/billing/reconciliation")).json()
            assert book["differences"] == []
            assert (book["orders_processed"], book["usage_events"], book["orders_unread"]) == (12, 12, 0)
            balances = {a["account"]: a["balance"]["amount"] for a in book["ledger"]}
            assert balances == {"receivable": "4.00", "revenue": "-4.00"}
        assert await verify(world.db) == {}

    async def test_naming_the_period_makes_a_repeat_answer_with_the_first_invoice(
        self, world: World, factory: Tenant
    ) -> None:
        await world.settle(factory)
        async with factory.client() as client:
            period = (await client.get("/v1/billing/subscription")).json()["current_period"]
            first = await client.post("/v1/billing/invoices", json={"period": period})
            second = await client.post("/v1/billing/invoices", json={"period": period})
            assert (first.status_code, second.status_code) == (201, 200)
            assert first.json() == second.json()

    async def test_a_completion_not_read_yet_is_late_and_no_difference(
        self, world: World, factory: Tenant, complete: Complete
    ) -> None:
        await world.settle(factory)
        await complete(factory)
        async with factory.client() as client:
            book = (await client.get("/v1/billing/reconciliation")).json()
            assert (book["orders_processed"], book["orders_unread"], book["differences"]) == (1, 1, [])

    async def test_a_sandbox_is_never_billed(self, world: World, complete: Complete) -> None:
        sandbox = await world.tenant("Sandbox", livemode=False)
        await complete(sandbox)
        await world.settle(sandbox)
        async with sandbox.client() as client:
            usage = (await client.get("/v1/billing/usage")).json()
            assert (usage["count"], usage["amount"]["amount"]) == (0, "0.00")
            assert (await client.get("/v1/billing/subscription")).json()["plan"] == "test"
        assert await verify(world.db) == {}


class TestSpendLimit:
    HARD = {"hard": {"amount": "2.00", "currency": "CNY"}}

    async def test_release_stops_at_the_hard_limit_and_cancel_gives_the_place_back(
        self, world: World, factory: Tenant, complete: Complete
    ) -> None:
        for _ in range(9):
            await complete(factory)
        await world.settle(factory)
        order = {"product": "P", "quantity": "1", "operations": [{"name": "Turn"}]}
        async with factory.client() as client:
            limit = (await client.put("/v1/billing/spend-limit", json=self.HARD)).json()
            assert (limit["hard"], limit["releases_left"]) == (self.HARD["hard"], 2)
            ids = [(await client.post("/v1/work-orders", json=order)).json()["id"] for _ in range(3)]
            answers = [await client.post(f"/v1/work-orders/{i}/release") for i in ids]
            assert [a.status_code for a in answers] == [200, 200, 409]
            assert answers[-1].json()["code"] == "spend_limit_reached"
            assert (await client.post(f"/v1/work-orders/{ids[0]}/cancel")).status_code == 200
            await world.settle(factory)
            assert (await client.post(f"/v1/work-orders/{ids[2]}/release")).status_code == 200
            assert (await client.put("/v1/billing/spend-limit", json={})).json()["releases_left"] is None

    async def test_an_early_close_leaves_the_rest_of_the_months_allowance(
        self, world: World, factory: Tenant, complete: Complete
    ) -> None:
        for _ in range(3):
            await complete(factory)
        await world.settle(factory)
        async with factory.client() as client:
            assert (await client.put("/v1/billing/spend-limit", json=self.HARD)).json()["releases_left"] == 8
            await client.post("/v1/billing/invoices", json={})
            assert (await client.get("/v1/billing/subscription")).json()["spend_limit"]["releases_left"] == 8

    async def test_the_soft_limit_is_told_of_once(self, world: World, factory: Tenant, complete: Complete) -> None:
        await world.settle(factory)
        async with factory.client() as client:
            await client.put("/v1/billing/spend-limit", json={"soft": {"amount": "2.00", "currency": "CNY"}})
            for _ in range(13):
                await complete(factory)
            await world.settle(factory)
            told = (await client.get("/v1/events", params={"type": "spend_limit.neared"})).json()["data"]
            assert len(told) == 1

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"hard": {"amount": "1.00", "currency": "EUR"}}, 409, "currency_mismatch"),
            ({"hard": {"amount": "-1.00", "currency": "CNY"}}, 422, "invalid"),
            ({"hard": {"amount": 1, "currency": "CNY"}}, 422, "not_a_decimal_string"),
            ({**HARD, "soft": {"amount": "3.00", "currency": "CNY"}}, 422, "invalid"),
        ],
    )
    async def test_what_makes_no_sense_is_refused(
        self, world: World, factory: Tenant, body: dict[str, object], status: int, code: str
    ) -> None:
        await world.settle(factory)
        async with factory.client() as client:
            refused = await client.put("/v1/billing/spend-limit", json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
