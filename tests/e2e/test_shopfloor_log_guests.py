"""Guests in a tenant with a replayed log: every path of the API, asked with a partner's and an auditor's key."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fixtures.server import Platform
from fixtures.shopfloor_log import OWN_LOG, replay

import woaas
from woaas import Client
from woaas.audit import verify

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]
OPENAPI = json.loads((Path(__file__).parents[2] / "api" / "openapi.json").read_text())
SECRETS = ("SECRET-BUYER", "SECRET-RECIPE")
# Of the log: cases, parts, machines, workers.
OF_THE_LOG = ("Case 1", "Case 2", "Tube", "Cable Head", "Lathe 1", "Grinder", "W2")


@dataclass(frozen=True)
class Guests:
    """Keys of a tenant, and what stands in its paths for a parameter, by the path's first word."""

    platform: Platform
    owner: str
    partner: str
    auditor: str
    ids: dict[str, str]
    http: httpx.Client

    def ask(self, key: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """One request of a path of the contract."""
        first = path.split("/")[2]
        for parameter in ("{key}", "{code}", "{index}", "{party}", "{file_id}"):
            path = path.replace(parameter, self.ids.get(first, "none"))
        headers = {"Authorization": f"Bearer {key}"}
        return self.http.request(method, path, headers=headers, json=body)

    def events(self) -> list[str]:
        """The types of all that happened in the tenant but for the mark this makes to have everything in the log."""
        with self.platform.client(self.owner) as client:
            client.sites.put("mark", name=uuid4().hex)
            return [str(e.type) for e in client.events.iterate() if not str(e.type).startswith("site.")]


@pytest.fixture(scope="module")
def guests(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guests]:
    """Our own log replayed, and one more order with a customer and a recipe."""
    log = tmp_path_factory.mktemp("log") / "log.csv"
    log.write_text(OWN_LOG)
    owner = platform.new_tenant("Guests")["api_key"]
    replay(platform, owner, log)
    with platform.client(owner) as client:
        keys = [client.api_keys.create(name=role, roles=[role]).secret for role in ("partner", "auditor")]
        order = client.work_orders.create(
            product="tube", quantity=1, customer=SECRETS[0], custom_fields={"recipe": SECRETS[1]}, release=True,
            operations=[{"name": "Turning", "work_centers": ["lathe-1-turning"]}],
        )  # fmt: skip
        operation = order.operations[0].id
        client.operations.report(operation, kind="run", good=1, operator="W1")
        ids = {
            "work-orders": order.id, "operations": operation, "work-centers": "lathe-1-turning", "operators": "W1",
            "materials": "tube", "audit": "0",
        }  # fmt: skip
    with httpx.Client(base_url=platform.url, timeout=30) as http:
        yield Guests(platform, owner, str(keys[0]), str(keys[1]), ids, http)


def paths(*methods: str) -> list[tuple[str, str]]:
    """The operations of the contract with one of these methods."""
    return [(m.upper(), path) for path, found in OPENAPI["paths"].items() for m in found if m.upper() in methods]


def test_the_owner_sees_what_the_guests_must_not(guests: Guests) -> None:
    shown = "".join(guests.ask(guests.owner, method, path).text for method, path in paths("GET"))
    assert [word for word in (*SECRETS, *OF_THE_LOG) if word not in shown] == []


class TestPartner:
    def test_it_reads_nothing_of_orders_plant_or_books(self, guests: Guests) -> None:
        shown = set()
        for method, path in paths("GET"):
            answer = guests.ask(guests.partner, method, path)
            assert answer.status_code in (200, 400, 403, 404), (path, answer.text)
            assert not any(word in answer.text for word in (*SECRETS, *OF_THE_LOG)), path
            if answer.status_code == 200 and answer.json().get("data") != []:
                shown.add(path)
        assert shown == {"/v1/me", "/v1/event-types"}

    def test_it_writes_nothing(self, guests: Guests) -> None:
        check_no_write(guests, guests.partner, allowed=set())

    def test_its_graph_is_empty_too(self, guests: Guests) -> None:
        with guests.platform.client(guests.partner) as client:
            found = client.graphql("{operations {edges {node {id}}}}")
            assert found.data == {"operations": {"edges": []}}
            for kind in ("workOrders", "workCenters", "reports", "events"):
                refused = client.graphql(f"{{operations {{edges {{node {{id}}}}}} {kind} {{edges {{node {{id}}}}}}}}")
                assert refused.data == {"operations": {"edges": []}, kind: None}, kind
                assert "forbidden" in str(refused.errors), kind


class TestAuditor:
    def test_it_reads_everything_but_what_is_restricted(self, guests: Guests, tmp_path: Path) -> None:
        for method, path in paths("GET"):
            answer = guests.ask(guests.auditor, method, path)
            assert answer.status_code in (200, 400, 404), (path, answer.text)
            assert not any(secret in answer.text for secret in SECRETS), path
        with guests.platform.client(guests.auditor) as client:
            orders = list(client.work_orders.list(limit=1))
            assert len(orders) == 3
            assert {o.customer for o in orders} == {None}
            assert all("/customer" in str(o.to_dict()["masked_fields"]) for o in orders)
            reports = list(client.operations.reports(guests.ids["operations"]))
            assert [(r.good, r.operator) for r in reports] == [(1, None)]
            bundle = client.audit.export().wait(timeout=180).download(tmp_path / "bundle.zip")
        assert verify(bundle).ok
        with zipfile.ZipFile(bundle) as opened:
            content = b"".join(opened.read(name) for name in opened.namelist())
        assert b"Cable Head" in content
        assert not any(secret.encode() in content for secret in SECRETS)

    def test_it_may_export_and_write_nothing_else(self, guests: Guests) -> None:
        # An empty change changes nothing.
        empty = {"/v1/work-orders/{key}", "/v1/operations/{key}"}
        check_no_write(guests, guests.auditor, allowed={"/v1/audit/exports", "/v1/billing/invoices/preview"} | empty)
        ids = guests.ids
        with guests.platform.client(guests.auditor) as client:
            assert refusals(client, ids["work-orders"], ids["operations"]) == {"forbidden"}


def refusals(client: Client, order: str, operation: str) -> set[str | None]:
    """How each sound command of daily work is refused."""
    codes = set()
    for command in (
        lambda: client.work_orders.create(product="tube", quantity=1),
        lambda: client.work_orders.abort(order, reason="x"),
        lambda: client.operations.report(operation, kind="run", good=1),
        lambda: client.operations.complete(operation),
        lambda: client.work_centers.put("new", name="New"),
        lambda: client.schedule_runs.create(time_limit=1),
        lambda: client.api_keys.create(name="x", roles=["owner"]),
        lambda: client.billing.issue(period="open"),
    ):
        with pytest.raises(woaas.PermissionDeniedError) as refused:
            command()
        codes.add(refused.value.code)
    return codes


def check_no_write(guests: Guests, key: str, *, allowed: set[str]) -> None:
    """Whatever is sent to any path that writes is refused, and the log stays as it is."""
    before = guests.events()
    done = set()
    for method, path in paths("POST", "PUT", "PATCH", "DELETE"):
        answer = guests.ask(key, method, path, {})
        assert answer.status_code < 500, (path, answer.text)
        assert not any(secret in answer.text for secret in SECRETS), path
        if answer.status_code < 400:
            done.add(path)
    assert done == allowed
    more = guests.events()[len(before) :]
    # That it was refused is noted, and the owner is told.
    noted = {"access.denied", "alert.raised"}
    assert {name for name in more if not name.startswith("audit_export.")} - noted == set()
