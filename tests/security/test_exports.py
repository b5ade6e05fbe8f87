"""`/v1/exports`: a file has what its requester may read when it is written, and goes to nobody who may not read it."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.database import execute, fetch
from fixtures.exports import FORMATS, ask, entering, exported, fetched, objects, parquet, table, write, writer
from fixtures.killable import Killable
from fixtures.processes import eventually
from httpx import AsyncClient

from woaas_api.endpoint import Route
from woaas_api.exported import EXPORTED
from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_security.exports import repository, service, writing

pytestmark = pytest.mark.anyio
LATER = "2027-01-01T00:00:00Z"
ORDERS = (
    {"product": "P-1", "quantity": "2", "customer": "ACME", "custom_fields": {"mould": "M-17", "recipe": "R-9"}},
    {"product": "P-2", "quantity": "3.5", "customer": "RIVAL", "data_class": "secret", "priority": 1},
    {"product": "机床", "quantity": "4", "due_at": "2026-12-01T10:00:00Z", "operations": [{"name": "Turn"}]},
)

FORMULAS = ("=1+1", "+SUM(A1)", "-2+3", "@x", "\tx", "\rx", '=HYPERLINK("http://x")', "-1e9x", "=cmd|' /C calc'!A0")


@pytest.fixture
async def orders(factory: Tenant) -> list[dict[str, Any]]:
    """Three orders, the newest first."""
    async with factory.client() as client:
        made = [await client.post("/v1/work-orders", json=order) for order in ORDERS]
        assert {one.status_code for one in made} == {201}
        found: list[dict[str, Any]] = (await client.get("/v1/work-orders")).json()["data"]
    return found


async def listed(client: AsyncClient, query: str = "", path: str = "/v1/work-orders") -> list[dict[str, Any]]:
    """What the list shows, without what it adds to the objects."""
    answer = await client.get(f"{path}?limit=200{query}")
    assert answer.status_code == 200, answer.text
    return [{n: v for n, v in one.items() if n != "signatures"} for one in answer.json()["data"]]


async def hide(client: AsyncClient, field: str, access: str = "none", **more: str) -> None:
    policy = {"resource": "work_order", "field": field, "role": "planner", "access": access, **more}
    answer = await client.post("/v1/field-policies", json=policy)
    assert answer.status_code == 201, answer.text


class TestDoor:
    async def test_only_the_requester_has_it(self, factory: Tenant, world: World, orders: object) -> None:
        stranger = await world.tenant("Other")
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            where = await ask(planner)
            await write(factory)
            async with factory.client("none") as nobody:
                assert (await nobody.post("/v1/exports", json={"resource": "work_order"})).status_code == 401
                for path in ("/v1/exports", where, f"{where}/download"):
                    assert (await nobody.get(path)).status_code == 401
            async with stranger.client() as other:
                for client in (owner, other):
                    for path in (where, f"{where}/download"):
                        assert (await client.get(path)).status_code == 404
                    assert (await client.post(f"{where}/stop")).status_code == 404
                    assert (await client.get("/v1/exports")).json()["data"] == []
            assert len((await planner.get("/v1/exports")).json()["data"]) == 1
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.post("/v1/exports", json={"resource": "operation"})).status_code == 403

    async def test_an_export_tells_how_far_it_is(self, factory: Tenant, orders: object) -> None:
        async with factory.client() as client:
            where = await ask(client, filter={"customer": "ACME"}, fields=["number", "customer"], format="csv")
            queued = (await client.get(where)).json()
            waiting = await fetched(client, where)
            assert (queued["status"], queued["progress"], queued["download_url"]) == ("queued", "0", None)
            assert waiting.status_code == 503
            await write(factory)
            row = (await client.get(where)).json()
            answer = await fetched(client, where)
        wanted = ("finished", "1", 1, len(answer.content), f"{where}/download", None)
        assert tuple(row[n] for n in ("status", "progress", "rows", "size_bytes", "download_url", "error")) == wanted
        assert row["filter"] == {"customer": "ACME"}
        assert answer.headers["etag"] == f'"{row["sha256"]}"'
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert row["id"] in answer.headers["content-disposition"]

    async def test_a_hidden_filter_or_field_is_one_that_does_not_exist(self, factory: Tenant, orders: object) -> None:
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            await hide(owner, "customer")
            told = set()
            for wanted in (
                {"filter": {"customer": "ACME"}},
                {"filter": {"nothing": "ACME"}},
                {"filter": {"limit": 1}},
                {"filter": {"priority[lt]": "x"}},
                {"fields": ["customer"]},
                {"fields": ["nothing"]},
            ):
                answer = await planner.post("/v1/exports", json={"resource": "work_order", **wanted})
                told.add((answer.status_code, answer.json()["code"]))
            assert told == {(400, "unknown_field")}
            refused = await planner.post("/v1/exports", json={"resource": "nothing"})
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/resource")

    async def test_a_download_goes_on_where_it_broke_off(
        self, factory: Tenant, orders: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "PART_BYTES", 100)
        monkeypatch.setattr(writing, "keep_file", _in_parts_of(100))
        async with factory.client() as client:
            where = await ask(client)
            await write(factory)
            whole = await fetched(client, where)
            assert len(whole.content) > 1_000
            rest = await fetched(client, where, Range="bytes=150-", **{"If-Range": whole.headers["etag"]})
        assert (rest.status_code, rest.content) == (206, whole.content[150:])

    async def test_it_is_kept_for_a_day(self, factory: Tenant, orders: object) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        async with factory.client() as client:
            where = await ask(client)
            await write(factory)
            assert (await fetched(client, where)).status_code == 200
            clock.advance(service.KEPT_FOR)
            assert (await fetched(client, where)).status_code == 410
        async with entering(factory)() as uow:
            assert await repository.forget_expired(uow) == 1
            told = await uow.all(Statement.text("SELECT DISTINCT type FROM event WHERE type LIKE 'export%'"))
        assert {row[0] for row in told} == {"export.requested", "export.finished", "export.downloaded"}

    async def test_it_can_be_stopped_before_and_while_it_is_written(
        self, factory: Tenant, orders: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with factory.client() as client:
            first = await ask(client)
            stopped = (await client.post(f"{first}/stop")).json()
            assert (stopped["status"], (await client.post(f"{first}/stop")).json()) == ("stopped", stopped)
            where = await ask(client)
            shown, page = writer(factory), writing.Writer._page

            async def stopping(self: Any, *args: Any, **options: Any) -> Any:
                await client.post(f"{where}/stop")
                return await page(self, *args, **options)

            monkeypatch.setattr(writing.Writer, "_page", stopping)
            assert await shown.write_next(entering(factory))
            assert (await client.get(where)).json()["status"] == "stopped"
            assert (await fetched(client, where)).status_code == 409


class TestContent:
    async def test_the_formats_have_what_the_list_has(self, factory: Tenant, orders: list[dict[str, Any]]) -> None:
        async with factory.client() as client:
            shown = await listed(client)
            lines, cells, typed = [await exported(factory, client, format=f) for f in FORMATS]
        assert objects(lines) == shown
        for one, row in zip(shown, table(cells), strict=True):
            assert {n: _cell(v) for n, v in one.items()} == row
        for one, columns in zip(shown, parquet(typed), strict=True):
            assert columns.keys() == one.keys()
            assert (columns["quantity"], columns["priority"]) == (one["quantity"], one["priority"])
            assert json.loads(columns["custom_fields"]) == one["custom_fields"]
            assert columns["created_at"].isoformat().replace("+00:00", "Z") == one["created_at"]

    async def test_filters_and_fields_are_the_list_s(self, factory: Tenant, orders: object) -> None:
        async with factory.client() as client:
            for wanted, query in (
                ({"custom_fields.mould": "M-17"}, "custom_fields.mould=M-17"),
                ({"customer": ["ACME", "RIVAL"]}, "customer=ACME,RIVAL"),
                ({"due_at[lt]": LATER, "priority[gte]": 2}, f"due_at[lt]={LATER}&priority[gte]=2"),
                ({"q": "机床", "export_controlled": False}, "q=机床&export_controlled=false"),
                ({"state": "running"}, "state=running"),
            ):  # fmt: skip
                shown = await listed(client, f"&{query}&fields=number,priority")
                assert objects(await exported(factory, client, filter=wanted, fields=["number", "priority"])) == shown

    async def test_every_list_is_exported_as_it_is(self, factory: Tenant, orders: list[dict[str, Any]]) -> None:
        """A list of the API is an export, or named here with the reason."""
        async with factory.client() as client:
            operation = (await client.get("/v1/operations")).json()["data"][0]["id"]
            report = {"kind": "run", "good": "1"}
            report |= {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T01:00:00Z"}
            order = next(o for o in orders if o["product"] == "机床")
            assert (await client.post(f"/v1/work-orders/{order['id']}/release")).status_code == 200
            assert (await client.post(f"/v1/operations/{operation}/reports", json=report)).status_code == 201
            assert (await client.put("/v1/customers/C-1", json={"name": "ACME"})).status_code == 201
            for path, collection in (
                ("/v1/operations", "operations"),
                (f"/v1/operations/{operation}/reports", "reports"),
                ("/v1/customers", "customers"),
                ("/v1/sites", "sites"),
                ("/v1/schedule-runs", "schedule_runs"),
            ):
                shown = await listed(client, path=path)
                assert objects(await exported(factory, client, collection)) == shown, path
                assert bool(shown) == (collection in ("operations", "reports", "customers"))
        lists = {route.path.removeprefix("/v1/").replace("-", "_") for route in _lists()}
        short = {"market/listings": "listings", "billing/usage_events": "usage_events"}
        lists = {short.get(name, name.replace("market/requests", "market_requests")) for name in lists}
        assert lists - NOT_EXPORTED == {one.collection for one in EXPORTED.all} - {"reports", "receipts"}

    async def test_text_is_no_formula(self, factory: Tenant) -> None:
        async with factory.client() as client:
            taken = []
            for text in FORMULAS:
                order = {"product": "P", "quantity": "1", "title": text, "custom_fields": {text: text}}
                if (await client.post("/v1/work-orders", json=order)).status_code == 201:
                    taken.append(text)
            rows = table(await exported(factory, client, format="csv"))
        assert [v for row in rows for v in row.values() if v[:1] in tuple("=+-@\t\r\n")] == []
        assert [row["title"] for row in reversed(rows)] == [f"'{text}" for text in taken]
        assert len(taken) > 5

    async def test_numbers_stay_numbers(self) -> None:
        from woaas_security.exports.formats import _cell as cell

        assert [cell(v) for v in (-5, "-5", "-5.25", "+5", "--5")] == ["-5", "-5", "-5.25", "'+5", "'--5"]


class TestRights:
    @pytest.mark.parametrize("format", FORMATS)
    async def test_masked_is_empty_and_named_hidden_has_no_column(
        self, factory: Tenant, orders: object, format: str
    ) -> None:
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            where = await ask(planner, format=format)
            await hide(owner, "customer")
            await hide(owner, "external_ref", "masked")
            await hide(owner, "custom_fields.recipe", "masked")
            await hide(owner, "priority", data_class="secret")
            await write(factory)
            content = (await fetched(planner, where)).content
            shown = await listed(planner)
        assert b"ACME" not in content
        assert b"RIVAL" not in content
        assert b"R-9" not in content
        rows: list[dict[str, Any]] = {"ndjson": objects, "csv": table, "parquet": parquet}[format](content)
        assert "customer" not in rows[0]
        for one, row in zip(shown, rows, strict=True):
            for name in ("masked_fields", "external_ref", "priority"):
                told = one.get(name)
                assert row.get(name) == (_cell(told) if format == "csv" else told), name

    @pytest.mark.parametrize("taken", ["revoked", "field", "role"])
    async def test_rights_taken_before_it_is_written(self, factory: Tenant, orders: object, taken: str) -> None:
        key = await factory.key("planner")
        async with factory.client() as owner, factory.client(key) as planner:
            where = await ask(planner, fields=["number", "customer"])
            if taken == "field":
                await hide(owner, "customer")
                await write(factory)
                content = (await fetched(planner, where)).content
                assert {n for row in objects(content) for n in row} == {"number"}
                return
            if taken == "revoked":
                await _with_key(factory, owner, "planner")
            else:
                await _roles(factory, "operator")
            await write(factory)
        async with entering(factory)() as uow:
            row = await uow.first(Statement.text("SELECT status, sha256 FROM exports"))
            assert tuple(row or ()) == ("failed", None)

    async def test_rights_taken_after_it_was_written(self, factory: Tenant, orders: object) -> None:
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            all_of_it = await ask(planner)
            few = await ask(planner, fields=["number"])
            await write(factory)
            assert (await fetched(planner, all_of_it)).status_code == 200
            await hide(owner, "customer", data_class="secret")
            refused = await fetched(planner, all_of_it)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert (await fetched(planner, few)).status_code == 200
            await _roles(factory, "quality", scope={"sites": ["S-1"]})
            assert (await fetched(planner, few)).status_code in (403, 404)

    async def test_a_member_that_is_hidden_afterwards(self, factory: Tenant, orders: object) -> None:
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            where = await ask(planner, fields=["custom_fields"])
            await write(factory)
            assert (await fetched(planner, where)).status_code == 200
            await hide(owner, "custom_fields.recipe")
            assert (await fetched(planner, where)).status_code == 403

    async def test_a_grant_that_ended_takes_its_column_along(self, factory: Tenant, orders: object) -> None:
        key = await factory.key("auditor")
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        until = (clock.now() + timedelta(hours=1)).isoformat()
        async with factory.client() as owner, factory.client(key) as auditor:
            grant = {"resource": "work_order", "fields": ["customer"], "to": "auditor", "purpose": "audit"}
            assert (await owner.post("/v1/grants", json={**grant, "expires_at": until})).status_code == 201
            first = await ask(auditor)
            await write(factory)
            late = await ask(auditor)
            assert b"ACME" in (await fetched(auditor, first)).content
            clock.advance(timedelta(hours=2))
            await write(factory)
            assert (await fetched(auditor, first)).status_code == 403
            assert b"ACME" not in (await fetched(auditor, late)).content

    async def test_rows_are_the_requester_s(self, factory: Tenant, orders: list[dict[str, Any]]) -> None:
        async with factory.client() as owner:
            scope = {"work_orders": [orders[1]["id"]]}
            key = await owner.post("/v1/api-keys", json={"name": "b", "roles": ["planner"], "scope": scope})
            assert key.status_code == 201, key.text
        async with factory.client(key.json()["secret"]) as bounded:
            shown = await listed(bounded)
            assert [one["id"] for one in shown] == scope["work_orders"]
            assert objects(await exported(factory, bounded)) == shown
            steps = await listed(bounded, path="/v1/operations")
            assert {one["work_order_id"] for one in steps} == {orders[1]["id"]}
            assert objects(await exported(factory, bounded, "operations")) == steps


class TestLease:
    async def test_who_stops_gives_it_back_and_who_dies_is_followed(self, factory: Tenant, orders: object) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        begin = entering(factory)
        async with factory.client() as client:
            where = await ask(client)
            assert await writer(factory).write_next(begin, lambda: True)
            assert (await client.get(where)).json()["status"] == "queued"
            async with begin() as uow:
                left = await repository.take(uow, clock.now() + writing.LEASE)
            assert left is not None
            assert not await writer(factory).write_next(begin)
            clock.advance(writing.LEASE)
            await write(factory)
            assert (await client.get(where)).json()["status"] == "finished"
            async with begin() as uow:
                assert not await repository.keep(uow, left, clock.now(), rows=1, expected=None)
                assert not await repository.end(uow, left, {"status": "failed", "rows": 0})

    async def test_what_kills_its_writer_each_time_ends_as_failed(self, factory: Tenant, orders: object) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        begin = entering(factory)
        async with factory.client() as client:
            where = await ask(client)
            for _ in range(writing.MOST_ATTEMPTS):
                async with begin() as uow:
                    assert await repository.take(uow, clock.now() + writing.LEASE) is not None
                clock.advance(writing.LEASE)
            await write(factory)
            assert (await client.get(where)).json()["status"] == "failed"

    async def test_a_worker_killed_while_it_stores_leaves_nothing_and_the_next_writes_it(
        self, factory: Tenant, orders: object, killable: Killable
    ) -> None:
        async with factory.client() as client:
            where = await ask(client)
            first = await asyncio.to_thread(killable.start, "worker")
            await killable.kill_in_the_middle(first, "exports", "export_parts")
            assert (await client.get(where)).json()["status"] == "running"
            assert await asyncio.to_thread(fetch, killable.dsn, "SELECT count(*) FROM export_parts") == [(0,)]
            await asyncio.to_thread(execute, killable.dsn, "UPDATE exports SET leased_until = now()")
            await asyncio.to_thread(killable.start, "worker")
            ended = "SELECT status FROM exports"
            await asyncio.to_thread(eventually, lambda: fetch(killable.dsn, ended) == [("finished",)], "a file")
            assert objects((await fetched(client, where)).content) == await listed(client)

    async def test_only_so_many_wait_at_once(self, factory: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MOST_AT_ONCE", 1)
        async with factory.client() as client:
            await ask(client)
            refused = await client.post("/v1/exports", json={"resource": "site"})
            assert (refused.status_code, refused.json()["code"]) == (409, "too_many_exports")


NOT_EXPORTED = {
    # Of the tenant and its people.
    *("members", "api_keys", "field_policies", "grants", "oauth_clients", "sso_connections", "exports"),
    *("tenant/exports", "erasures", "legal_holds", "webhook_endpoints"),
    # Of the log, which has bundles of its own.
    *("audit/archives", "audit/exports", "audit/external_entries", "audit/sources"),
    # These show more than their rows hold.
    *(
        "promises",
        "signatures",
        "attachments",
        "billing/invoices",
        "billing/settlements",
        "market/board",
        "market/contracts",
    ),
    "market/quotes",
}


def _lists() -> Iterator[Route]:
    """The lists of resources that are not below an object."""
    from woaas_api.app import ROUTES

    for route in ROUTES:
        if route.is_list and not route.parameters and "sort" in route.paging:
            yield route


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _in_parts_of(size: int) -> Any:
    from woaas_security.file_parts import keep_file

    async def keep(*args: Any) -> Any:
        return await keep_file(*args, part_bytes=size)

    return keep


async def _with_key(factory: Tenant, owner: AsyncClient, role: str) -> None:
    """Revoke the key of a role."""
    keys = (await owner.get("/v1/api-keys")).json()["data"]
    (own,) = (one for one in keys if one["roles"] == [role])
    assert (await owner.post(f"/v1/api-keys/{own['id']}/revoke")).status_code == 200


async def _roles(factory: Tenant, role: str, scope: dict[str, Any] | None = None) -> None:
    """Give the planner's key another role, and a part of the tenant."""
    async with entering(factory)() as uow:
        statement = "UPDATE api_keys SET roles = ARRAY[$1], scope = $2 WHERE roles = ARRAY['planner']"
        await uow.connection.execute(statement, role, scope or {})
