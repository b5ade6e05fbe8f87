"""The log is complete: no change without its entry, no entry without its change, and entries replay to the objects."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.database import FreshDatabase, fetch
from httpx import AsyncClient

from woaas_core.db.database import Database
from woaas_core.ids import encode_id
from woaas_work_orders.resources.kinds import KINDS

pytestmark = pytest.mark.anyio

# 10,000 show the same and take minutes: WOAAS_REPLAY_OPERATIONS=10000.
OPERATIONS = int(os.environ.get("WOAAS_REPLAY_OPERATIONS", "250"))
# When it was written, and what is shown with an object and is not of it.
NOT_REPLAYED = {"id", "livemode", "updated_at", "operations", "version", "signatures"}
MASTER_DATA = {"operator": "operators", "work_center": "work-centers"}
KINDS_BY_NAME = {kind.name: kind for kind in KINDS}
ENTRIES = "SELECT payload, openings::text FROM event ORDER BY id"
STORED = """
SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM pending), (SELECT count(*) FROM reports),
  (SELECT sum(version) FROM operations), (SELECT sum(version) FROM work_orders), (SELECT sum(version) FROM master_data)
"""
ORDER = {
    "product": "P",
    "quantity": "5",
    "custom_fields": {"mould": "M-1"},
    "operations": [
        {"name": "turn", "work_centers": ["m1", "m2"], "unit_time": "PT3M"},
        {"name": "mill", "materials": [{"material": "BAR", "quantity": "1"}], "sourcing": "either"},
        {"name": "check", "inspection_required": True},
    ],
}


class TestWatch:
    async def test_a_change_without_an_entry_is_refused_at_commit(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            policy = {"resource": "work_order", "field": "customer", "role": "operator", "access": "none"}
            assert (await client.post("/v1/field-policies", json=policy)).status_code == 201
        for change in (
            "UPDATE work_orders SET priority = 1, version = version + 1",
            "UPDATE work_orders SET title = 'other'",
            "UPDATE operations SET good = good + 1",
            "DELETE FROM field_policies",
        ):
            with pytest.raises(asyncpg.RaiseError, match="no entry tells of"):
                async with world.db.unit_of_work() as uow:
                    await world.authenticator.as_system(uow, factory.id, "test")
                    await uow.connection.execute(change)
        async with factory.client() as client:
            assert (await client.get(f"/v1/work-orders/{order['id']}")).json() == order

    async def test_every_table_with_versions_is_watched(self, database: FreshDatabase) -> None:
        query = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'watch_update'"
        watched = {name for (name,) in await rows(database, query)}
        assert {"work_orders", "operations", "master_data", "roles", "market_contracts"} <= watched
        assert len(watched) > 12


class Actions:
    """Random requests, most of them possible, about a few objects at a time."""

    def __init__(self, client: AsyncClient, seed: int) -> None:
        self.client = client
        self.random = random.Random(seed)
        self.orders: list[dict[str, Any]] = []
        self.written = 0

    async def one(self) -> None:
        if not self.orders or self.random.random() < 0.06:
            body = {**ORDER, "priority": self.random.randint(1, 5), "release": self.random.random() < 0.7}
            self.orders.append((await self.client.post("/v1/work-orders", json=body)).json())
            self.orders = self.orders[-6:]
        order = self.random.choice(self.orders)
        operation = self.random.choice(order["operations"])
        number = self.random.randint(0, 9)
        at, op = f"/v1/work-orders/{order['id']}", f"/v1/operations/{operation['id']}"
        choices: list[tuple[str, str, Any]] = [
            *(("POST", f"{at}/{c}", {"reason": f"because {number}"}) for c in ("release", "hold", "resume")),
            *(("POST", f"{at}/{c}", {}) for c in ("complete", "reopen", "close", "cancel")),
            *(("POST", f"{op}/{c}", {}) for c in ("start", "pause", "resume", "hold", "complete", "skip", "kit")),
            ("POST", f"{op}/rework", {}),
            ("POST", f"{op}/assign", {"operator": f"p{number}", "work_center": None}),
            ("POST", f"{op}/reports", {"kind": "run", "good": str(number), "scrap": "0.5", "operator": "p1"}),
            ("POST", "/v1/inspections", {"subject": operation["id"], "result": "pass" if number else "fail"}),
            ("POST", f"{at}/receipts", {"quantity": str(number + 1)}),
            ("POST", f"{at}/operations", {"name": f"extra {number}"}),
            ("PATCH", at, {"priority": number % 5 + 1, "customer": f"C{number}", "custom_fields": {"n": str(number)}}),
            ("PATCH", at, {"due_at": f"2026-12-0{number + 1 - number // 9}T08:00:00Z", "data_class": None}),
            ("PATCH", op, {"name": f"step {number}", "setup_time": f"PT{number}M", "skills": ["s"] * (number > 4)}),
            ("PUT", f"/v1/operators/p{number}", {"name": f"Person {number}", "location": "hall"} if number % 2 else {}),
            ("PUT", f"/v1/work-centers/m{number}", {"cost_per_hour": {"amount": f"{number}.50", "currency": "CNY"}}),
            ("POST", f"/v1/operators/p{number}/archive", {}),
            ("PUT", f"/v1/roles/r{number}", {"name": f"R{self.random.randint(0, 3)}", "permissions": []}),
            ("POST", f"/v1/roles/r{number}/archive", {}),
            ("POST", "/v1/field-policies", {"resource": "work_order", "field": "customer", "role": "operator",
                                            "access": "none" if number % 2 else "masked"}),
        ]  # fmt: skip
        method, path, body = self.random.choice(choices)
        answer = await self.client.request(method, path, json=body)
        assert answer.status_code < 500, answer.text
        self.written += answer.status_code < 300


class TestReplay:
    async def test_entries_rebuild_every_object(self, factory: Tenant, database: FreshDatabase) -> None:
        async with factory.client() as client:
            actions = Actions(client, seed=7)
            for _ in range(OPERATIONS):
                await actions.one()
            assert actions.written > OPERATIONS // 4
            objects = await self.replayed(database)
            kinds = {"wo": "work-orders", "op": "operations", "fpo": "field-policies"} | self.master_data()
            compared = dict.fromkeys(kinds, 0)
            for subject, (version, fields) in objects.items():
                prefix = subject.partition("_")[0]
                if prefix in kinds:
                    shown = (await client.get(f"/v1/{kinds[prefix]}/{subject}")).json()
                    expected = {n: fields.get(n) for n in shown if n not in NOT_REPLAYED}
                    assert {n: v for n, v in shown.items() if n in expected} == expected, subject
                    assert shown["version"] == version
                    compared[prefix] += 1
            assert min(compared.values()) > 0, compared
            await self.compare_versions(database, objects)

    def master_data(self) -> dict[str, str]:
        return {KINDS_BY_NAME[name].resource.prefix: path for name, path in MASTER_DATA.items()}

    async def replayed(self, database: FreshDatabase) -> dict[str, tuple[int | None, dict[str, Any]]]:
        objects: dict[str, tuple[int | None, dict[str, Any]]] = {}
        for payload, openings in await rows(database, ENTRIES):
            entry = msgspec.json.decode(payload)  # type: ignore[arg-type]
            before, after = entry["version"]
            if (before, after) == (None, None):
                continue
            known, fields = objects.get(entry["subject"], (None, {}))
            assert before == known, entry
            opened = {name: value for name, (_, value) in msgspec.json.decode(openings or "{}").items()}  # type: ignore[arg-type]
            assert opened.keys() == entry["changes"].keys()
            objects[entry["subject"]] = (after, {**fields, **opened})
        return objects

    async def compare_versions(self, database: FreshDatabase, objects: dict[str, tuple[int | None, Any]]) -> None:
        tables = {"work_orders": "wo", "operations": "op", "roles": "rol", "field_policies": "fpo"}
        for table, prefix in tables.items():
            found = await rows(database, f"SELECT id, version FROM {table}")
            assert found
            for key, version in found:
                assert objects[encode_id(prefix, key)][0] == version  # type: ignore[arg-type]


class Fault(Exception):
    """What the test throws in."""


class Failing:
    """A connection on which the n-th statement from now fails."""

    def __init__(self, connection: Any, after: int) -> None:
        self._connection, self.left = connection, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
            return found

        async def call(*arguments: Any) -> Any:
            if arguments[0] not in ("ROLLBACK", "COMMIT"):
                self.left -= 1
                if self.left < 0:
                    raise Fault
            return await found(*arguments)

        return call


class TestFaults:
    async def test_change_and_entry_commit_together_wherever_it_fails(
        self, world: World, factory: Tenant, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json={**ORDER, "release": True})).json()
            op = f"/v1/operations/{order['operations'][0]['id']}"
            for number, request in enumerate(
                (
                    ("POST", f"{op}/reports", {"kind": "run", "good": "1"}),
                    ("PATCH", f"/v1/work-orders/{order['id']}", {"priority": 1}),
                    ("PUT", "/v1/operators/p1", {"name": "Person"}),
                    ("POST", f"/v1/work-orders/{order['id']}/abort", {"reason": "enough"}),
                )
            ):
                assert await self.fails_whole(world, database, client, request, monkeypatch) > 3, number

    async def fails_whole(
        self, world: World, database: FreshDatabase, client: AsyncClient, request: Any, patch: pytest.MonkeyPatch
    ) -> int:
        """Let each statement of a request fail in turn until it goes through; returns how many failed."""
        method, path, body = request
        for place in range(60):
            before = await self.stored(database)
            with patch.context() as context:
                context.setattr(Database, "unit_of_work", self.failing(place))
                answer = await client.request(method, path, json=body)
            if answer.status_code < 300:
                after = await self.stored(database)
                assert after[0] != before[0]
                assert after[1:] != before[1:]
                return place
            assert answer.status_code == 500
            assert await self.stored(database) == before, place
        pytest.fail("it never went through")

    def failing(self, place: int) -> Callable[[Database], Any]:
        original = Database.unit_of_work

        @asynccontextmanager
        async def unit_of_work(database: Database) -> AsyncIterator[Any]:
            async with original(database) as uow:
                setattr(uow, "connection", Failing(uow.connection, place))  # noqa: B010 - it only looks like one
                yield uow

        return unit_of_work

    async def stored(self, database: FreshDatabase) -> tuple[object, ...]:
        return (await rows(database, STORED))[0]


async def rows(database: FreshDatabase, query: str) -> list[tuple[object, ...]]:
    return await asyncio.to_thread(fetch, database.dsn, query)
