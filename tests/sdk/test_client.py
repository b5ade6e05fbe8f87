"""The client against a scripted service: what it sends, again and in which form."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx2
import pytest
from fixtures.scripted_service import ORDER, Service, answer, async_client_of, client_of, problem

import woaas
from woaas import Client
from woaas._transport import AsyncExecutor, SyncExecutor


@pytest.fixture
def pauses(monkeypatch):
    taken = []

    async def pause(self, seconds):
        taken.append(seconds)

    monkeypatch.setattr(SyncExecutor, "pause", lambda self, seconds: taken.append(seconds))
    monkeypatch.setattr(AsyncExecutor, "pause", pause)
    return taken


class TestRetries:
    def test_all_tries_of_a_post_carry_one_key_and_one_request_id(self, pauses):
        service = Service(httpx2.ConnectError("refused"), problem(503, "overloaded"), answer(ORDER, 201))
        client_of(service).work_orders.create(product="P", quantity=1)
        assert len(service.requests) == 3
        assert len(set(service.header("idempotency-key"))) == 1
        assert len(service.header("idempotency-key")[0]) >= 16
        assert len(set(service.header("x-request-id"))) == 1

    def test_two_posts_carry_two_keys_and_a_get_none(self):
        service = Service(answer(ORDER))
        client = client_of(service)
        client.work_orders.release("wo_1")
        client.work_orders.release("wo_1")
        client.work_orders.get("wo_1")
        first, second, third = service.header("idempotency-key")
        assert first != second
        assert third is None

    def test_the_callers_key_is_used_and_kept_out_of_the_body(self):
        service = Service(answer(ORDER))
        client_of(service).work_orders.hold("wo_1", reason="tool broke", idempotency_key="k1", if_match='"v3"')
        assert service.header("idempotency-key") == ["k1"]
        assert service.header("if-match") == ['"v3"']
        assert service.body() == {"reason": "tool broke"}

    def test_pauses_double_with_jitter(self, pauses):
        with pytest.raises(woaas.ServerError):
            client_of(Service(problem(500, "internal")), max_retries=3).me()
        assert [0.375 <= pauses[0] <= 0.5, 0.75 <= pauses[1] <= 1.0, 1.5 <= pauses[2] <= 2.0] == [True] * 3

    def test_retry_after_is_honoured_as_seconds_and_as_a_date(self, pauses):
        soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        service = Service(
            problem(429, "rate_limited", retry_after="7"), problem(503, "x", retry_after=soon), answer({})
        )
        client_of(service).me()
        assert pauses[0] == 7
        assert 25 < pauses[1] <= 30

    def test_a_pause_of_minutes_is_left_to_the_caller(self, pauses):
        with pytest.raises(woaas.RateLimitError):
            client_of(Service(problem(429, "rate_limited", retry_after="3600"))).me()
        assert pauses == []

    @pytest.mark.parametrize(
        ("status", "code"), [(400, "malformed"), (404, "not_found"), (409, "invalid_transition"), (422, "x")]
    )
    def test_refusals_are_not_retried(self, pauses, status, code):
        service = Service(problem(status, code))
        with pytest.raises(woaas.APIError):
            client_of(service).work_orders.release("wo_1")
        assert len(service.requests) == 1

    def test_a_running_twin_is_waited_for(self, pauses):
        service = Service(problem(409, "idempotency_in_progress", retry_after="1"), answer(ORDER))
        assert client_of(service).work_orders.release("wo_1").id == "wo_1"
        assert pauses == [1]

    def test_a_guarded_change_is_not_repeated_once_it_was_sent(self, pauses):
        service = Service(httpx2.ReadTimeout("slow"))
        with pytest.raises(woaas.APITimeoutError):
            client_of(service).work_orders.update("wo_1", title="x", if_match='"v1"')
        assert len(service.requests) == 1

    def test_a_graphql_mutation_is_not_repeated_once_it_was_sent(self, pauses):
        service = Service(httpx2.ReadError("gone"))
        with pytest.raises(woaas.APIConnectionError):
            client_of(service).graphql("mutation { workOrderRelease(id: 1) { id } }")
        assert len(service.requests) == 1
        with pytest.raises(woaas.APIConnectionError):
            client_of(service).graphql("{ me { id } }")
        assert len(service.requests) == 4

    def test_no_retries_when_asked_for_none(self, pauses):
        service = Service(problem(500, "internal"))
        with pytest.raises(woaas.ServerError):
            client_of(service).with_options(max_retries=0).me()
        assert len(service.requests) == 1

    def test_the_async_client_retries_alike(self, pauses):
        service = Service(httpx2.ConnectError("refused"), problem(502, "bad_gateway"), answer(ORDER, 201))
        order = asyncio.run(_create(async_client_of(service)))
        assert order.id == "wo_1"
        assert len(set(service.header("idempotency-key"))) == 1
        assert len(pauses) == 2


async def _create(client):
    async with client:
        return await client.work_orders.create(product="P", quantity=1)


class TestReadYourWrites:
    def test_a_read_names_the_last_event_and_waits_until_it_is_in(self, pauses):
        not_ready = problem(503, "not_ready", retry_after="0.1")
        service = Service(answer(ORDER, woaas_event_id="evt_9"), *[not_ready] * 5, answer(ORDER))
        client = client_of(service, read_your_writes=True)
        client.work_orders.release("wo_1")
        client.work_orders.get("wo_1")
        assert service.header("woaas-after") == [None] + ["evt_9"] * 6
        assert pauses == [0.1] * 5

    def test_it_is_off_by_default(self):
        service = Service(answer(ORDER, woaas_event_id="evt_9"))
        client = client_of(service)
        client.work_orders.release("wo_1")
        client.work_orders.get("wo_1")
        assert service.header("woaas-after") == [None, None]

    def test_waiting_ends_as_an_error_of_its_own(self, pauses):
        with pytest.raises(woaas.NotReadyError):
            client_of(Service(problem(503, "not_ready", retry_after="0"))).me()


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, woaas.BadRequestError),
            (401, woaas.AuthenticationError),
            (403, woaas.PermissionDeniedError),
            (404, woaas.NotFoundError),
            (409, woaas.ConflictError),
            (410, woaas.GoneError),
            (412, woaas.PreconditionFailedError),
            (413, woaas.PayloadTooLargeError),
            (415, woaas.UnsupportedMediaTypeError),
            (418, woaas.APIError),
            (422, woaas.UnprocessableEntityError),
            (429, woaas.RateLimitError),
            (500, woaas.ServerError),
        ],
    )
    def test_each_status_has_its_class(self, status, kind):
        with pytest.raises(kind) as caught:
            client_of(Service(problem(status, "some_code", request_id="req-1")), max_retries=0).me()
        assert type(caught.value) is kind
        assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, "some_code", "req-1")

    def test_a_conflict_tells_the_state_and_what_may_be_done(self):
        service = Service(problem(409, "invalid_transition", state="running", allowed_commands=["hold", "complete"]))
        with pytest.raises(woaas.ConflictError) as caught:
            client_of(service).work_orders.release("wo_1")
        assert caught.value.state == "running"
        assert caught.value.allowed_commands == ("hold", "complete")

    def test_field_problems_are_named(self):
        errors = [{"pointer": "/quantity", "code": "not_a_decimal_string", "detail": 'Send "10".'}]
        with pytest.raises(woaas.UnprocessableEntityError) as caught:
            client_of(Service(problem(422, "invalid", errors=errors))).work_orders.create(product="P", quantity="x")
        assert caught.value.field == "/quantity"
        assert caught.value.errors[0].code == "not_a_decimal_string"
        assert '/quantity: Send "10".' in str(caught.value)

    def test_a_proxys_page_is_an_error_with_its_status(self):
        service = Service(httpx2.Response(502, text="<html>Bad gateway"))
        with pytest.raises(woaas.ServerError) as caught:
            client_of(service, max_retries=0).me()
        assert caught.value.code == "http_502"

    def test_a_page_where_json_belongs_is_a_format_error(self):
        with pytest.raises(woaas.ResponseFormatError):
            client_of(Service(httpx2.Response(200, text="<html>"))).me()

    def test_no_key_and_no_address_are_told_apart_from_calls(self, monkeypatch):
        monkeypatch.delenv("WOAAS_API_KEY", raising=False)
        with pytest.raises(woaas.ConfigurationError, match="WOAAS_API_KEY"):
            Client()
        with pytest.raises(woaas.ConfigurationError, match="address"):
            Client("k", "localhost:8000")

    def test_graphql_errors_without_data_raise_and_with_data_do_not(self):
        error = {"message": "no", "extensions": {"code": "unknown_field", "request_id": "r"}}
        with pytest.raises(woaas.GraphQLError) as caught:
            client_of(Service(answer({"data": None, "errors": [error]}))).graphql("{ x }")
        assert (caught.value.code, caught.value.request_id) == ("unknown_field", "r")
        result = client_of(Service(answer({"data": {"x": 1}, "errors": [error]}))).graphql("{ x }")
        assert result.data == {"x": 1}
        assert result.errors == [error]


class TestBodies:
    def test_python_values_become_the_wires(self):
        service = Service(answer(ORDER, 201))
        client_of(service).work_orders.create(
            product="P",
            quantity=Decimal("1E+3"),
            priority=2,
            due_at=datetime(2026, 12, 1, 18, tzinfo=ZoneInfo("Asia/Shanghai")),
            custom_fields={"quantity": 3},
            operations=[
                {
                    "sequence": 10,
                    "setup_time": timedelta(minutes=90),
                    "unit_time": 3,
                    "materials": [{"material": "BAR", "quantity": 4}],
                }
            ],
        )
        assert service.body() == {
            "product": "P",
            "quantity": "1000",
            "priority": 2,
            "due_at": "2026-12-01T10:00:00Z",
            "custom_fields": {"quantity": 3},
            "operations": [
                {
                    "sequence": 10,
                    "setup_time": "PT1H30M",
                    "unit_time": "PT3S",
                    "materials": [{"material": "BAR", "quantity": "4"}],
                }
            ],
        }

    def test_absent_and_null_differ(self):
        service = Service(answer(ORDER))
        client_of(service).work_orders.update("wo_1", due_at=None)
        assert service.body() == {"due_at": None}

    def test_a_float_quantity_is_refused_before_it_is_sent(self):
        service = Service(answer({}))
        with pytest.raises(TypeError, match="Decimal"):
            client_of(service).operations.report("op_1", kind="run", good=0.1)
        assert service.requests == []

    def test_a_time_without_a_zone_is_refused(self):
        with pytest.raises(ValueError, match="time zone"):
            client_of(Service(answer({}))).work_orders.update("wo_1", due_at=datetime(2026, 1, 1))  # noqa: DTZ001

    def test_run_options_take_seconds_and_a_baseline(self):
        service = Service(answer({"id": "run_1", "status": "queued"}, 202))
        client_of(service).schedule_runs.create(
            policy="on_time", time_limit=20, baseline="sch_1", horizon=timedelta(days=14)
        )
        assert service.body() == {
            "policy": "on_time",
            "time_limit": "PT20S",
            "horizon": "P14D",
            "baseline_schedule_id": "sch_1",
        }

    def test_a_problem_of_ticks_is_sent_as_it_is(self):
        problem_ = {
            "tick": "PT1M",
            "horizon": 100,
            "jobs": [{"operations": [{"outsource": {"cost": 3, "lead_time": 60}, "modes": [{"duration": 5}]}]}],
        }
        service = Service(answer({"id": "run_1", "status": "queued"}, 202))
        client_of(service).solve(problem_)
        assert service.body() == problem_

    def test_filters_read_as_the_service_writes_them(self):
        service = Service(answer({"data": [], "next_cursor": None}))
        due = datetime(2026, 12, 1, tzinfo=UTC)
        client_of(service).work_orders.list(
            state=["running", "held"], due_at__lt=due, custom_fields={"mould_no": "M-17"}, limit=50
        )
        assert dict(service.requests[0].url.params) == {
            "state": "running,held",
            "due_at[lt]": "2026-12-01T00:00:00Z",
            "custom_fields.mould_no": "M-17",
            "limit": "50",
        }

    def test_codes_cannot_leave_their_place_in_the_path(self):
        service = Service(answer({}))
        client_of(service).work_centers.get("../work-orders/x y")
        assert service.requests[0].url.raw_path == b"/v1/work-centers/..%2Fwork-orders%2Fx%20y"


class TestPlanning:
    def test_a_promise_is_asked_with_its_order(self):
        service = Service(answer({"id": "prm_1", "state": "offered", "impacted": []}, 201))
        order = {"product": "P", "quantity": Decimal("10"), "due_at": datetime(2026, 12, 1, tzinfo=UTC)}
        promise = client_of(service).promises.create(order, mode="reserve", hold_for=timedelta(hours=4))
        assert (promise.id, promise.state) == ("prm_1", "offered")
        assert service.body() == {
            "work_order": {"product": "P", "quantity": "10", "due_at": "2026-12-01T00:00:00Z"},
            "mode": "reserve",
            "hold_for": "PT4H",
        }

    def test_a_move_is_a_question_or_a_deed(self):
        service = Service(answer({"id": "run_1", "status": "finished", "feasible": True}))
        at = datetime(2026, 12, 1, tzinfo=UTC)
        schedules = client_of(service).schedules
        schedules.move("sch_1", operation="op_1", work_center="m1", start_at=at, dry_run=True)
        schedules.move("sch_1", operation="op_1", work_center="m1", start_at=at, if_match='"t"')
        assert [r.url.raw_path for r in service.requests] == [
            b"/v1/schedules/sch_1/moves?dry_run=true",
            b"/v1/schedules/sch_1/moves",
        ]
        assert service.body() == {"operation_id": "op_1", "work_center": "m1", "start_at": "2026-12-01T00:00:00Z"}
        assert service.header("if-match")[1] == '"t"'
