"""Plant and people: put, read, archive, and what is refused."""

from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

EXAMPLES: dict[str, dict[str, Any]] = {
    "sites": {"name": "Plant", "time_zone": "Asia/Shanghai"},
    "lines": {"name": "Line", "site": "S1"},
    "work-centers": {"name": "Lathe", "cost_per_hour": {"amount": "120.50", "currency": "CNY"}, "state": "up"},
    "calendars": {"time_zone": "Europe/Berlin", "weekly": [{"day": "mon", "start": "06:00", "end": "14:00"}],
                  "exceptions": [{"date": "2026-12-25", "windows": []}]},
    "operators": {"name": "Ann", "qualifications": [{"skill": "weld", "level": 3, "valid_from": "2026-01-01",
                                                     "valid_to": None}]},
    "tools": {"count": 2, "life": 5000},
    "setup-matrices": {"equipment_class": "lathe",
                       "entries": [{"from_group": "a", "to_group": "b", "duration": "PT1H30M"}]},
    "materials": {"name": "Bar", "unit": "kg"},
    "material-lots": {"lot": "L1", "material": "BAR", "quantity": "12.5", "disposition": "unrestricted",
                      "available_at": "2026-01-01T00:00:00Z"},
    "routings": {"product": "P", "operations": [{"name": "Turn", "unit_time": "PT1M30S"}]},
    "assets": {"name": "Pump", "serial_number": "S-1"},
    "customers": {"name": "ACME", "email": "a@acme.test"},
}  # fmt: skip


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


async def test_each_kind_is_put_read_listed_and_retired(client: AsyncClient) -> None:
    for path, body in EXAMPLES.items():
        made = await client.put(f"/v1/{path}/X-1", json=body)
        assert made.status_code == 201, made.text
        assert made.headers["location"] == f"/v1/{path}/X-1"
        shown = made.json()
        assert {name: shown[name] for name in body} == body, path
        assert (shown["code"], shown["version"], shown["archived_at"]) == ("X-1", 1, None)
        assert (await client.get(f"/v1/{path}/X-1")).json() == shown
        assert (await client.get(f"/v1/{path}/{shown['id']}")).json() == shown
        assert (await client.get(f"/v1/{path}")).json()["data"] == [shown]
        again = await client.put(f"/v1/{path}/X-1", json=body)
        assert (again.status_code, again.json()) == (200, shown), "the same again changes nothing"
        assert "woaas-event-id" not in again.headers
        retired = await client.post(f"/v1/{path}/X-1/archive")
        assert retired.json()["archived_at"] is not None
        twice = await client.post(f"/v1/{path}/X-1/archive")
        assert twice.json() == retired.json()
        back = await client.put(f"/v1/{path}/X-1", json=body)
        assert (back.status_code, back.json()["archived_at"], back.json()["version"]) == (200, None, 3)


async def test_put_replaces_what_is_left_out_is_unset(client: AsyncClient) -> None:
    await client.put("/v1/work-centers/M1", json={"name": "One", "site": "S1"})
    shown = (await client.put("/v1/work-centers/M1", json={"name": "Two"})).json()
    assert (shown["name"], shown["site"], shown["version"]) == ("Two", None, 2)


async def test_an_id_in_the_path_is_the_record_and_makes_none(client: AsyncClient) -> None:
    made = (await client.put("/v1/sites/S1", json={"name": "One"})).json()
    changed = await client.put(f"/v1/sites/{made['id']}", json={"name": "Two"})
    assert (changed.status_code, changed.json()["code"], changed.json()["id"]) == (200, "S1", made["id"])
    unknown = f"sit_0{'1' * 25}"
    assert (await client.put(f"/v1/sites/{unknown}", json={"name": "X"})).status_code == 404
    assert [s["code"] for s in (await client.get("/v1/sites")).json()["data"]] == ["S1"]


async def test_times_and_durations_come_out_canonical(client: AsyncClient) -> None:
    lot = await client.put("/v1/material-lots/L1", json={"available_at": "2026-01-01T08:00:00+08:00"})
    assert lot.json()["available_at"] == "2026-01-01T00:00:00Z"
    matrix = {"entries": [{"from_group": "a", "to_group": "b", "duration": "PT90M"}]}
    shown = (await client.put("/v1/setup-matrices/X", json=matrix)).json()
    assert shown["entries"][0]["duration"] == "PT1H30M"
    routing = {"operations": [{"name": "a", "setup_time": "PT3600S"}]}
    assert (await client.put("/v1/routings/P", json=routing)).json()["operations"][0]["setup_time"] == "PT1H"


async def test_what_makes_no_sense_is_refused_with_the_place(client: AsyncClient) -> None:
    for path, body, pointer in (
        ("sites/S", {"time_zone": "Mars/Base"}, "/time_zone"),
        ("sites/S", {"time_zone": "../../etc/passwd"}, "/time_zone"),
        ("calendars/C", {}, "/time_zone"),
        ("calendars/C", {"time_zone": "UTC", "weekly": [{"day": "mon", "start": "25:00", "end": "26:00"}]},
         "/weekly/0/start"),
        ("calendars/C", {"time_zone": "UTC", "exceptions": [{"date": "2026-02-30"}]}, "/exceptions/0/date"),
        ("operators/O", {"qualifications": [{"skill": "a", "valid_to": "2026-02-30"}]}, "/qualifications/0/valid_to"),
        ("work-centers/M", {"cost_per_hour": {"amount": "1.005", "currency": "CNY"}}, "/cost_per_hour/amount"),
        ("work-centers/M", {"cost_per_hour": {"amount": 1, "currency": "CNY"}}, "/cost_per_hour/amount"),
        ("work-centers/M", {"cost_per_hour": {"amount": "1", "currency": "QQQ"}}, "/cost_per_hour/currency"),
        ("work-centers/M", {"state": "asleep"}, "/state"),
        ("work-centers/M", {"colour": "red"}, "/colour"),
        ("tools/T", {"count": -1}, "/count"),
        ("material-lots/L", {"quantity": 5}, "/quantity"),
        ("material-lots/L", {"available_at": "1901-01-01T00:00:00Z"}, "/available_at"),
        ("setup-matrices/X", {"entries": [{"from_group": "a", "to_group": "b", "duration": "1h"}]},
         "/entries/0/duration"),
    ):  # fmt: skip
        answer = await client.put(f"/v1/{path}", json=body)
        assert answer.status_code == 422, (path, body)
        assert answer.json()["errors"][0]["pointer"] == pointer
    for code in ("a b", "x" * 65, "a%2Fb", "a%0A", "é%21"):
        answer = await client.put(f"/v1/sites/{code}", json={"name": "X"})
        assert answer.status_code in (404, 422), code
    assert (await client.get("/v1/sites")).json()["data"] == []


async def test_who_may_only_read_writes_nothing(factory: Tenant, client: AsyncClient) -> None:
    await client.put("/v1/sites/S1", json={"name": "One"})
    for role in ("supervisor", "operator", "quality", "auditor"):
        async with factory.client(await factory.key(role)) as someone:
            assert (await someone.get("/v1/sites/S1")).status_code == 200, role
            assert (await someone.put("/v1/sites/S1", json={"name": "Two"})).status_code == 403, role
            assert (await someone.put("/v1/sites/S2", json={"name": "Two"})).status_code == 403, role
            assert (await someone.post("/v1/sites/S1/archive")).status_code == 403, role
