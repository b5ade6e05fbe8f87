"""The client against a scripted service: what it makes of the answers, and its options."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fixtures.scripted_service import ORDER, Service, answer, async_client_of, client_of, problem

import woaas


class TestModels:
    def test_values_are_typed(self):
        raw = {
            **ORDER,
            "due_at": "2026-12-01T10:00:00Z",
            "operations": [{"id": "op_1", "setup_time": "PT15M"}],
            "priority": 3,
        }
        order = client_of(Service(answer(raw))).work_orders.get("wo_1")
        assert order.quantity == Decimal("10.50")
        assert order.due_at == datetime(2026, 12, 1, 10, tzinfo=UTC)
        assert order.operations[0].setup_time == timedelta(minutes=15)
        assert order.priority == 3

    def test_unknown_fields_and_values_are_read_and_never_raise(self):
        raw = {
            "id": "wo_1",
            "state": "levitating",
            "quantity": "a few",
            "novelty": {"depth": [{"x": 1}]},
            "operations": "none",
        }
        order = client_of(Service(answer(raw))).work_orders.get("wo_1")
        assert order.state == "levitating"
        assert order.quantity == "a few"
        assert order.novelty.depth[0].x == 1
        assert order["novelty"] == {"depth": [{"x": 1}]}
        assert order.to_dict() == raw

    def test_absent_reads_as_none_and_differs_from_masked(self):
        order = client_of(
            Service(answer({"id": "wo_1", "customer": None, "masked_fields": ["/customer"]}))
        ).work_orders.get("x")
        assert order.customer is None
        assert order.due_at is None
        assert "customer" in order
        assert "due_at" not in order
        assert order.masked_fields == ["/customer"]
        assert order.operations == []

    def test_a_misspelt_field_raises(self):
        order = client_of(Service(answer({"id": "wo_1"}))).work_orders.get("x")
        with pytest.raises(AttributeError, match="WorkOrder has no field 'quanttity'"):
            order.quanttity  # noqa: B018

    def test_money_is_exact(self):
        invoice = client_of(
            Service(answer({"id": "inv_1", "total": {"amount": "0.10", "currency": "CNY"}}))
        ).billing.preview(period="2026-11")
        assert invoice.total.amount * 3 == Decimal("0.30")


PAGES = {
    None: {"data": [{"id": "wo_1"}, {"id": "wo_2"}], "next_cursor": "c2"},
    "c2": {"data": [{"id": "wo_3"}], "next_cursor": "c3"},
    "c3": {"data": [], "next_cursor": None},
}


def paged(request):
    return answer(PAGES[request.url.params.get("cursor")])


class TestPaging:
    def test_a_page_iterates_over_all_pages_and_keeps_the_filter(self):
        service = Service(paged)
        page = client_of(service).work_orders.list(state="running")
        assert [order.id for order in page.data] == ["wo_1", "wo_2"]
        assert len(service.requests) == 1
        assert [order.id for order in page] == ["wo_1", "wo_2", "wo_3"]
        assert [request.url.params["state"] for request in service.requests] == ["running"] * 3

    def test_pages_can_be_turned_by_hand(self):
        page = client_of(Service(paged)).work_orders.list()
        assert page.has_next
        assert [order.id for order in page.next_page()] == ["wo_3"]

    def test_async_lists_are_iterated_or_awaited(self):
        async def read():
            client = async_client_of(Service(paged))
            every = [order.id async for order in client.work_orders.list()]
            page = await client.work_orders.list()
            return every, len(page), page.has_next

        assert asyncio.run(read()) == (["wo_1", "wo_2", "wo_3"], 2, True)

    def test_master_data_lists_read_as_their_kind(self):
        service = Service(
            answer(
                {"data": [{"code": "m4", "cost_per_hour": {"amount": "12.50", "currency": "EUR"}}], "next_cursor": None}
            )
        )
        (work_center,) = client_of(service).work_centers.list()
        assert work_center.cost_per_hour.amount == Decimal("12.5")


class TestRawResponses:
    def test_status_headers_and_object(self):
        service = Service(answer(ORDER, 201, x_request_id="req-7", idempotent_replayed="true"))
        raw = client_of(service).with_raw_response.work_orders.create(product="P", quantity=1)
        assert (raw.status_code, raw.request_id, raw.is_replay) == (201, "req-7", True)
        assert raw.parse().quantity == Decimal("10.50")

    def test_async(self):
        async def read():
            return await async_client_of(Service(paged)).with_raw_response.work_orders.list()

        raw = asyncio.run(read())
        assert [order.id for order in raw.parse()] == ["wo_1", "wo_2"]

    def test_errors_raise_as_ever(self):
        with pytest.raises(woaas.NotFoundError):
            client_of(Service(problem(404, "not_found"))).with_raw_response.work_orders.get("wo_x")


class TestOptions:
    def test_copies_share_the_connections_and_not_the_options(self):
        service = Service(answer(ORDER))
        client = client_of(service)
        client.work_orders.get("wo_1")
        client.with_options(
            headers={"X-Shift": "2"}, api_key="woaas_test_other", timeout=timedelta(seconds=3)
        ).work_orders.get("wo_1")
        client.work_orders.get("wo_1")
        assert service.header("x-shift") == [None, "2", None]
        assert service.header("authorization") == [
            "Bearer woaas_test_k",
            "Bearer woaas_test_other",
            "Bearer woaas_test_k",
        ]
        assert [request.extensions["timeout"]["read"] for request in service.requests] == [30, 3, 30]

    def test_the_key_is_not_in_the_log(self, caplog):
        with caplog.at_level("DEBUG", logger="woaas"):
            client_of(Service(answer(ORDER, x_request_id="req-7"))).work_orders.get("wo_1")
        assert "GET /v1/work-orders/wo_1 -> 200, request req-7" in caplog.text
        assert "woaas_test_k" not in caplog.text


class TestBatch:
    def test_results_keep_keys_and_order(self):
        results = [
            {"key": "a", "status": 201, "work_order": ORDER},
            {"key": "b", "status": 422, "problem": {"code": "unknown_field"}},
        ]
        service = Service(answer({"results": results}))
        good, bad = client_of(service).work_orders.batch(
            {"a": {"product": "P", "quantity": 1}, "b": {"product": "P", "quantity": 2}}
        )
        assert service.body()["items"][0] == {"key": "a", "work_order": {"product": "P", "quantity": "1"}}
        assert good.work_order.quantity == Decimal("10.50")
        assert (bad.status, bad.problem.code) == (422, "unknown_field")
