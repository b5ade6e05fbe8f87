"""The wire itself: errors, content types, sizes, request ids, methods, read-your-writes, rate limits."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient, Response

from woaas_api.app import create_app
from woaas_core.errors import catalogue
from woaas_core.ids import encode_id, uuid7
from woaas_core.settings import Settings

pytestmark = pytest.mark.anyio
ORDER = {"product": "P", "quantity": "1"}
# Words that only the inside knows: SQL, drivers, files.
INSIDE = re.compile(
    r"select |insert |update .* set|constraint|relation|column|syntax|asyncpg|sqlalchemy|traceback|\.py|postgres|"
    r"tenant_id|violat|duplicate key|0x[0-9a-f]{6}",
    re.IGNORECASE,
)


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


def check_problem(answer: Response, path: str) -> dict[str, Any]:
    """A problem has the catalogue's members, tells nothing of the inside and is found again by its id."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"/problems/{body['code']}"
    assert body["code"] in catalogue()
    assert body["status"] == answer.status_code
    assert body["instance"] == path
    assert body["request_id"] == answer.headers["x-request-id"] != ""
    assert body["title"]
    assert not INSIDE.search(answer.text), answer.text
    return body


class TestErrors:
    async def test_hostile_requests_get_a_client_error_and_learn_nothing(self, client: AsyncClient) -> None:
        order = (await client.post("/v1/work-orders", json=ORDER)).json()
        at = f"/v1/work-orders/{order['id']}"
        huge = "9" * 5000
        cases: list[tuple[str, str, bytes]] = [
            ("POST", "/v1/work-orders", b"\x00"),
            ("POST", "/v1/work-orders", b'{"product":"\\u0000","quantity":"1"}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","title":"\\ud800"}'),
            ("POST", "/v1/work-orders", b"[" * 200_000),
            ("POST", "/v1/work-orders", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":' + huge.encode() + b"}"),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"' + huge.encode() + b'"}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","priority":' + huge.encode() + b"}"),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","priority":1e400}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","custom_fields":{"n":' + huge.encode() + b"}}"),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","due_at":"0001-01-01T00:00:00+14:00"}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","due_at":"9999-12-31T23:59:59-14:00"}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","due_at":"2026-02-30T00:00:00Z"}'),
            ("POST", "/v1/work-orders", b'{"product":"P","quantity":"1","operations":[{"name":"a","sequence":0}]}'),
            ("PATCH", at, b'{"quantity":"-1"}'),
            ("PATCH", at, b"null"),
            ("POST", f"{at}/release", b'{"reason":"' + b"x" * 5000 + b'"}'),
            ("POST", f"{at}/release", b"[]"),
            ("PUT", "/v1/sites/S", b'{"name":"' + b"x" * 201 + b'"}'),
            ("POST", "/v1/api-keys", b'{"name":"n","roles":["owner"],"expires_at":"0001-01-01T00:00:00Z"}'),
            ("POST", "/v1/api-keys", b'{"name":"n","roles":["owner"],"expires_at":"9999-12-31T23:59:59-23:00"}'),
        ]
        for method, path, raw in cases:
            answer = await client.request(method, path, content=raw, headers={"Content-Type": "application/json"})
            if answer.status_code < 300:
                assert path == "/v1/api-keys", raw[:80]
                continue
            assert answer.status_code in (400, 422), (path, raw[:80], answer.text)
            check_problem(answer, path)
        assert (await client.get(at)).json() == order

    async def test_odd_ids_are_simply_not_there(self, client: AsyncClient) -> None:
        for key in ("%00", "a%00b", "%F0%9F%98%80", "wo_", "'%20OR%201=1--", "x" * 3000, "%E2%80%AE", "..", "-1",
                    "%25"):  # fmt: skip
            for path in (f"/v1/work-orders/{key}", f"/v1/operations/{key}", f"/v1/sites/{key}"):
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path

    async def test_a_foreign_object_and_a_missing_one_are_byte_equal(self, world: World, client: AsyncClient) -> None:
        other = await world.tenant("Other")
        async with other.client() as theirs:
            order = (await theirs.post("/v1/work-orders", json={**ORDER, "release": True})).json()
            operation = order["operations"][0]["id"]
            report = (await theirs.post(f"/v1/operations/{operation}/reports", json={"kind": "run"})).json()
            key = (await theirs.get("/v1/api-keys")).json()["data"][0]["id"]
            site = (await theirs.put("/v1/sites/S1", json={"name": "x"})).json()["id"]
        kinds = [
            ("GET", "/v1/work-orders/{}", order["id"], {}),
            ("GET", "/v1/work-orders/{}", order["number"], {}),
            ("PATCH", "/v1/work-orders/{}", order["id"], {"title": "x"}),
            ("POST", "/v1/work-orders/{}/hold", order["id"], {}),
            ("POST", "/v1/work-orders/{}/operations", order["id"], {"name": "x"}),
            ("GET", "/v1/work-orders/{}/timeline", order["id"], {}),
            ("GET", "/v1/operations/{}", operation, {}),
            ("PATCH", "/v1/operations/{}", operation, {"name": "x"}),
            ("POST", "/v1/operations/{}/start", operation, {}),
            ("POST", "/v1/operations/{}/reports", operation, {"kind": "run"}),
            ("GET", "/v1/operations/{}/reports", operation, {}),
            ("POST", "/v1/reports/{}/correct", report["id"], {"kind": "run", "reason": "x"}),
            ("POST", "/v1/api-keys/{}/revoke", key, {}),
            ("GET", "/v1/sites/{}", site, {}),
            ("GET", "/v1/sites/{}", "S1", {}),
        ]
        for method, path, foreign, body in kinds:
            prefix = foreign.partition("_")[0]
            missing = encode_id(prefix, uuid7()) if "_" in foreign else f"{foreign[:-1]}9"
            answers = []
            for key_ in (foreign, missing):
                sent = None if method == "GET" else body
                answer = await client.request(method, path.format(key_), json=sent, headers={"X-Request-Id": "r"})
                assert answer.status_code == 404, (method, path, answer.text)
                answers.append((answer.content.replace(key_.encode(), b""), {**answer.headers}))
            for _, headers in answers:
                for name in ("content-length", "ratelimit-remaining", "ratelimit-reset"):
                    headers.pop(name)
            assert answers[0] == answers[1], (method, path)

    async def test_each_problem_has_a_page(self, client: AsyncClient) -> None:
        for code, error in catalogue().items():
            page = await client.get(f"/problems/{code}", headers={"Accept": "application/json"})
            assert page.json()["status"] == error.status
            assert (await client.get(f"/problems/{code}")).status_code == 200
        missing = await client.get("/problems/zzz")
        assert missing.status_code == 404
        check_problem(missing, "/problems/zzz")


class TestContent:
    async def test_another_content_type_is_refused(self, client: AsyncClient) -> None:
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp",
                     "multipart/form-data; boundary=x"):  # fmt: skip
            answer = await client.post("/v1/work-orders", content=json.dumps(ORDER), headers={"Content-Type": kind})
            assert answer.status_code == 415, kind
            assert check_problem(answer, "/v1/work-orders")["code"] == "unsupported_media_type"
        for kind in ("application/json", "Application/JSON; charset=utf-8"):
            answer = await client.post("/v1/work-orders", content=json.dumps(ORDER), headers={"Content-Type": kind})
            assert answer.status_code == 201, kind

    async def test_more_than_a_mebibyte_is_refused_whether_it_says_so_or_not(self, client: AsyncClient) -> None:
        big = json.dumps({**ORDER, "title": "x" * (1 << 20)}).encode()

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(big), 50_000):
                yield big[start : start + 50_000]

        contents: tuple[bytes | AsyncIterator[bytes], ...] = (big, chunks())
        for content in contents:
            answer = await client.post(
                "/v1/work-orders", content=content, headers={"Content-Type": "application/json", "X-Request-Id": "big"}
            )
            assert answer.status_code == 413
            assert check_problem(answer, "/v1/work-orders")["code"] == "payload_too_large"
            assert answer.headers["x-request-id"] == "big"

    async def test_nothing_is_to_be_cached_by_others(self, client: AsyncClient) -> None:
        made = await client.post("/v1/work-orders", json=ORDER)
        assert made.headers["cache-control"] == "no-store"
        assert (await client.get("/v1/work-orders")).headers["cache-control"] == "private, no-cache"

    async def test_a_created_object_is_where_location_says(self, client: AsyncClient) -> None:
        for path, body in (("/v1/work-orders", ORDER), ("/v1/api-keys", {"name": "n", "roles": ["planner"]})):
            answer = await client.post(path, json=body)
            assert answer.status_code == 201
            assert answer.headers["location"] == f"{path}/{answer.json()['id']}"
        made = await client.post("/v1/work-orders", json=ORDER)
        assert (await client.get(made.headers["location"])).json() == made.json()
        site = await client.put("/v1/sites/零件", json={"name": "x"})
        assert (await client.get(site.headers["location"])).json() == site.json()


class TestRequestId:
    async def test_the_caller_s_comes_back_and_another_is_made(self, client: AsyncClient) -> None:
        for path in ("/v1/me", "/v1/work-orders/none", "/v1/none", "/none"):
            sent = await client.get(path, headers={"X-Request-Id": "my-id 7"})
            assert sent.headers["x-request-id"] == "my-id 7", path
            for odd in ("", "x" * 129, "tab\there"):
                made = (await client.get(path, headers={"X-Request-Id": odd})).headers["x-request-id"]
                assert re.fullmatch(r"req_[0-9a-z]{26}", made), (path, odd)

    async def test_it_is_in_the_audit_entry(self, factory: Tenant, client: AsyncClient) -> None:
        from woaas_core.db.statements import Statement

        await client.post("/v1/work-orders", json=ORDER, headers={"X-Request-Id": "trace-me"})
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            query = "SELECT payload FROM event WHERE type = 'work_order.created'"
            payload = json.loads(await uow.value(Statement.text(query)))
        assert payload["request_id"] == "trace-me"


class TestMethods:
    async def test_what_a_path_does_not_know_is_a_405_with_those_it_does(self, client: AsyncClient) -> None:
        for method, path, allowed in (
            ("DELETE", "/v1/work-orders", {"GET", "POST"}),
            ("PUT", "/v1/work-orders/wo_x", {"GET", "PATCH"}),
            ("GET", "/v1/work-orders/wo_x/release", {"POST"}),
            ("PATCH", "/v1/me", {"GET"}),
        ):
            answer = await client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert check_problem(answer, path)["code"] == "method_not_allowed"
            assert {m.strip() for m in answer.headers["allow"].split(",")} - {"OPTIONS", "HEAD"} == allowed

    async def test_options_lists_them(self, client: AsyncClient) -> None:
        for path, allowed in (
            ("/v1/work-orders", "GET, OPTIONS, POST"),
            ("/v1/work-orders/wo_x", "GET, OPTIONS, PATCH"),
            ("/v1/work-orders/wo_x/release", "OPTIONS, POST"),
            ("/v1/work-centers/M-1", "GET, OPTIONS, PUT"),
        ):
            answer = await client.options(path)
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["allow"] == allowed, path
            assert "access-control-allow-origin" not in answer.headers

    async def test_no_answer_allows_another_origin(self, client: AsyncClient) -> None:
        answer = await client.get("/v1/me", headers={"Origin": "https://elsewhere.test"})
        assert not [name for name in answer.headers if name.startswith("access-control")]

    async def test_an_unknown_path_is_a_problem_too(self, client: AsyncClient) -> None:
        for path in ("/v1/nothing", "/v1", "/v2/work-orders", "/v1/work-orders/a/b/c"):
            answer = await client.get(path)
            assert answer.status_code == 404
            check_problem(answer, path)


class TestReadYourWrites:
    async def test_a_read_waits_until_the_write_is_in(self, factory: Tenant, client: AsyncClient) -> None:
        made = await client.post("/v1/work-orders", json=ORDER)
        event = made.headers["woaas-event-id"]
        reading = asyncio.create_task(client.get("/v1/events", headers={"Woaas-After": event}))
        await factory.world.settle(factory)
        answer = await reading
        assert answer.status_code == 200
        assert event in [e["id"] for e in answer.json()["data"]]

    async def test_what_does_not_come_is_a_503_to_repeat(self, client: AsyncClient) -> None:
        unknown = encode_id("evt", uuid7())
        answer = await client.get("/v1/work-orders", headers={"Woaas-After": unknown})
        assert (answer.status_code, check_problem(answer, "/v1/work-orders")["code"]) == (503, "not_ready")
        assert int(answer.headers["retry-after"]) >= 1

    async def test_another_tenant_s_event_never_comes(self, world: World, factory: Tenant, client: AsyncClient) -> None:
        other = await world.tenant("Other")
        async with other.client() as theirs:
            event = (await theirs.post("/v1/work-orders", json=ORDER)).headers["woaas-event-id"]
        await world.settle(other, factory)
        assert (await client.get("/v1/me", headers={"Woaas-After": event})).status_code == 503

    async def test_what_is_no_event_id_is_malformed(self, client: AsyncClient) -> None:
        for text in ("x", "wo_" + "0" * 26, "evt_1"):
            answer = await client.get("/v1/me", headers={"Woaas-After": text})
            assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


class TestRateLimit:
    @pytest.fixture
    async def limited(self, factory: Tenant) -> Tenant:
        """The same tenant behind an app that allows three requests a minute."""
        settings = Settings.load(
            {}, home=factory.world.settings.home, database_url="unused", secret_key="test" * 8, rate_limit_per_minute=3
        )
        factory.world.app = await create_app(settings, database=factory.world.db)
        return factory

    async def test_a_spent_budget_is_a_429_that_says_when(self, limited: Tenant) -> None:
        async with limited.client() as client:
            answers = [await client.get("/v1/me") for _ in range(5)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
        assert [a.headers["ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0", "0"]
        assert {a.headers["ratelimit-limit"] for a in answers} == {"3"}
        assert check_problem(answers[-1], "/v1/me")["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20

    async def test_refusals_count_and_show_the_budget(self, limited: Tenant) -> None:
        async with limited.client() as client:
            answers = [await client.get("/v1/work-orders/none") for _ in range(4)]
        assert [a.status_code for a in answers] == [404, 404, 404, 429]
        assert answers[0].headers["ratelimit-remaining"] == "2"

    async def test_one_caller_does_not_spend_another_s(self, limited: Tenant) -> None:
        colleague = await limited.key("planner")
        async with limited.client() as client:
            for _ in range(4):
                await client.get("/v1/me")
        async with limited.client(colleague) as client:
            assert (await client.get("/v1/me")).status_code == 200

    async def test_a_refused_write_leaves_its_key_free(self, limited: Tenant) -> None:
        key = {"Idempotency-Key": "k"}
        async with limited.client() as client:
            for _ in range(3):
                await client.get("/v1/me")
            assert (await client.post("/v1/work-orders", json=ORDER, headers=key)).status_code == 429
        limited.world.app = await create_app(limited.world.settings, database=limited.world.db)
        async with limited.client() as client:
            assert (await client.post("/v1/work-orders", json=ORDER, headers=key)).status_code == 201


class TestCompression:
    @pytest.mark.parametrize(("accepted", "used"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
    async def test_a_long_answer_is_packed_as_the_client_asks(
        self, client: AsyncClient, accepted: str, used: str | None
    ) -> None:
        await client.post(
            "/v1/work-orders/batch", json={"items": [{"key": f"{i}", "work_order": ORDER} for i in "123"]}
        )
        answer = await client.get("/v1/work-orders", headers={"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == used
        assert len(answer.json()["data"]) == 3
        plain = await client.get("/v1/work-orders", headers={"Accept-Encoding": "identity"})
        assert plain.json() == answer.json()
        if used is not None:
            assert "accept-encoding" in answer.headers["vary"].lower()
            assert int(answer.headers["content-length"]) < len(plain.content)

    async def test_a_short_answer_stays_as_it_is(self, client: AsyncClient) -> None:
        answer = await client.get("/v1/work-orders", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers

    async def test_a_packed_answer_is_known_again_by_its_etag(self, client: AsyncClient) -> None:
        order = (await client.post("/v1/work-orders", json=ORDER)).json()
        path, packed = f"/v1/work-orders/{order['id']}", {"Accept-Encoding": "gzip"}
        etag = (await client.get(path, headers=packed)).headers["etag"]
        assert (await client.get(path, headers={**packed, "If-None-Match": etag})).status_code == 304
        assert (await client.patch(path, headers={**packed, "If-Match": etag}, json={"title": "T"})).status_code == 200
