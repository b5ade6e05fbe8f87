"""From an empty tenant to a proven, billed order: the whole chain through the SDK, as a new user goes it."""

import base64
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fixtures.processes import eventually
from fixtures.server import Platform

import woaas
from woaas import AsyncClient, Client
from woaas.audit import Verdict, verify
from woaas.types.work_orders import Operation, WorkOrder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("platform")]

PRODUCT = "CABLE-HEAD"
QUANTITY = 10


@dataclass
class Factory:
    """A tenant with a small plant, and two owners."""

    platform: Platform
    key: str
    second_key: str

    def client(self) -> Client:
        return self.platform.client(self.key)


@pytest.fixture
def factory(platform: Platform) -> Factory:
    key = platform.new_tenant("Chain")["api_key"]
    with platform.client(key) as client:
        equip(client)
        second = client.api_keys.create(name="second owner", roles=["owner"]).secret
    assert second is not None
    return Factory(platform, key, second)


def equip(client: Client) -> None:
    """Machines, people, times and materials; each record reads back as it was put."""
    every_day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    day = [{"day": d, "start": "00:00", "end": "24:00"} for d in every_day]
    client.sites.put("plant", name="Plant", time_zone="Europe/Berlin")
    client.calendars.put("always", time_zone="Europe/Berlin", weekly=day)
    for code in ("lathe", "mill"):
        machine = client.work_centers.put(
            code,
            name=code.title(),
            site="plant",
            equipment_class=code,
            calendar="always",
            cost_per_hour={"amount": "120.50", "currency": "CNY"},
        )
        assert machine.cost_per_hour is not None
        assert machine.cost_per_hour.amount == Decimal("120.50")
    client.operators.put("ID1", name="Ada", calendar="always", qualifications=[{"skill": "turning", "level": 3}])
    client.setup_matrices.put(
        "metals",
        work_centers=["lathe"],
        entries=[{"from_group": "steel", "to_group": "brass", "duration": timedelta(minutes=15)}],
    )
    assert client.setup_matrices.get("metals").entries[0].duration == timedelta(minutes=15)
    client.materials.put("BAR-12", name="Bar 12 mm", unit="pcs")
    client.customers.put("ACME", name="ACME Robotics")
    client.routings.put(
        PRODUCT,
        name="Cable head",
        product=PRODUCT,
        operations=[
            {
                "sequence": 10,
                "name": "Turning",
                "work_centers": ["lathe"],
                "setup_time": timedelta(minutes=15),
                "unit_time": timedelta(minutes=3),
                "setup_group": "steel",
                "skills": ["turning"],
            },
            {
                "sequence": 20,
                "name": "Milling",
                "work_centers": ["mill"],
                "unit_time": timedelta(minutes=2),
                "inspection_required": True,
            },
        ],
    )
    assert {w.code for w in client.work_centers.list(limit=1)} == {"lathe", "mill"}


def new_order(client: Client, **more: object) -> WorkOrder:
    due = datetime.now(UTC) + timedelta(days=3)
    return client.work_orders.create(product=PRODUCT, quantity=QUANTITY, customer="ACME", due_at=due, **more)  # type: ignore[arg-type]


def make(client: Client, operation: Operation) -> None:
    """Start, report everything with one scrapped, complete."""
    client.operations.start(operation.id, operator="ID1", work_center=operation.work_centers[0])
    began = datetime.now(UTC) - timedelta(hours=1)
    report = client.operations.report(
        operation.id, kind="run", good=9, scrap=1, started_at=began, ended_at=began + timedelta(minutes=45)
    )
    assert (report.good, report.scrap) == (Decimal(9), Decimal(1))
    assert client.operations.complete(operation.id).state == "completed"


def finish(client: Client, order: WorkOrder) -> WorkOrder:
    """Everything an order needs before it may be completed, then that."""
    for operation in client.work_orders.get(order.id).operations:
        make(client, operation)
    with pytest.raises(woaas.ConflictError) as missing:
        client.work_orders.complete(order.id)
    assert missing.value.code == "guard_failed"
    client.inspections.create(subject=client.work_orders.get(order.id).operations[1].id, result="pass")
    client.work_orders.book_receipt(order.id, quantity=9, lot="L-1", location="A-01")
    return client.work_orders.complete(order.id)


def test_an_order_goes_from_draft_to_a_proven_invoice(factory: Factory, tmp_path: Path) -> None:
    with factory.client() as client:
        order = new_order(client)
        assert (order.state, order.plan_status, order.stage) == ("draft", "unplanned", None)
        order = client.work_orders.release(order.id)
        assert order.state == "released"

        run = client.schedule_runs.create(policy="on_time", time_limit=2, frozen="PT0S")
        assert run.wait(timeout=240).status == "finished"
        assert run.schedule_id is not None
        assert client.schedules.publish(run.schedule_id).state == "published"
        bars = {
            bar.operation_id: row.work_center
            for row in client.schedules.gantt(run.schedule_id).rows
            for bar in row.bars
            if bar.kind == "planned"
        }
        assert bars == {order.operations[0].id: "lathe", order.operations[1].id: "mill"}
        first, second = sorted(client.schedules.slots(run.schedule_id), key=lambda s: str(s.start_at))
        assert first.end_at is not None
        assert second.start_at is not None
        assert first.end_at <= second.start_at
        assert second.reasons
        order = client.work_orders.get(order.number or "")
        assert order.plan_status == "published"

        with pytest.raises(woaas.ConflictError):
            client.operations.start(order.operations[1].id)
        assert finish(client, order).state == "completed"
        context = client.operations.context(order.operations[1].id)
        assert [o.sequence for o in context.previous] == [10]
        assert context.now is not None
        assert context.now.good == Decimal(9)

        usage = client.billing.usage()
        assert usage.processed_orders == 1
        assert [u.id for u in client.billing.usage_events()] == [f"{order.id}:processed"]
        preview = client.billing.preview()
        assert preview.total is not None
        assert usage.amount is not None
        assert preview.total.amount == usage.amount.amount
        assert sum(line.amount.amount for line in preview.lines if line.amount) == preview.total.amount

        with pytest.raises(woaas.ConflictError) as same_person:
            client.work_orders.reopen(order.id, reason="missed a burr")
        assert same_person.value.code == "four_eyes"
        with factory.platform.client(factory.second_key) as second_owner:
            assert second_owner.work_orders.reopen(order.id, reason="missed a burr").state == "running"
        assert client.work_orders.complete(order.id).state == "completed"
        assert client.billing.usage().processed_orders == 1

        told = [entry.type for entry in client.work_orders.timeline(order.id)]
        assert told[0] == "work_order.created"
        assert told.count("work_order.completed") == 2
        check_events(client, order)
        check_audit(factory, client, order, tmp_path)
        assert next(iter(client.kpis(["yield"]))).value == Decimal("0.9")


def check_events(client: Client, order: WorkOrder) -> None:
    """The feed ends, is gap-free, in order, and can be filtered."""
    events = list(client.events.iterate(limit=7))
    assert [e.auditindex for e in events] == list(range(len(events)))
    assert {e.type for e in events} <= {t.type for t in client.events.types()}
    of_order = list(client.events.list(type="work_order.*", work_order_id=order.id, limit=2))
    assert [e.type for e in of_order][:2] == ["work_order.created", "work_order.released"]
    assert all(e.workorder == order.id for e in of_order)
    middle = events[len(events) // 2].time
    assert [e.id for e in client.events.list(time__gte=middle)] == [
        e.id for e in events if e.time is not None and middle is not None and e.time >= middle
    ]


def vkeys_of(client: Client) -> list[str]:
    listed = client.audit.keys()
    return [key.vkey for key in listed if key.vkey]


def check_audit(factory: Factory, client: Client, order: WorkOrder, tmp_path: Path) -> None:
    """The bundle verifies against the pinned key, and so does an earlier checkpoint; a changed byte does not."""
    earlier = client.audit.latest_checkpoint()
    client.work_orders.close(order.id)
    vkeys = vkeys_of(client)
    bundle = client.audit.export().wait(timeout=180).download(tmp_path / "bundle.zip")
    report = verify(bundle, vkeys=vkeys, earlier_checkpoint=earlier)
    assert report.ok, str(report)
    assert report.key_pinned
    assert report.complete
    entry = next(iter(client.audit.entries(work_order_id=order.id)))
    assert entry.type == "work_order.closed"
    assert entry.index is not None
    assert entry.index < (report.tree_size or 0), "what was written just before is in the bundle"
    proof = client.audit.inclusion_proof(entry.index)
    assert base64.b64decode(proof.leaf_hash or "").hex() == entry.leaf_hash
    assert client.audit.consistency_proof(since=1, until=report.tree_size).proof

    keys, old, strange = tmp_path / "vkeys.txt", tmp_path / "old.txt", tmp_path / "strange.txt"
    keys.write_text("\n".join(vkeys))
    old.write_text(earlier)
    other = factory.platform.new_tenant("Another log")["api_key"]
    with factory.platform.client(other) as stranger:
        foreign = vkeys_of(stranger)
    strange.write_text("\n".join(foreign))
    said = factory.platform.run("woaas", "audit", "verify", str(bundle), "--vkey", str(keys), "--checkpoint", str(old))
    assert said.startswith("ok")
    assert "key not pinned" not in said
    assert "key not pinned" in factory.platform.run("woaas", "audit", "verify", str(bundle))
    factory.platform.run("woaas", "audit", "verify", str(bundle), "--vkey", str(strange), ok=(3,))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(bundle.read_bytes()[:-40])
    factory.platform.run("woaas", "audit", "verify", str(broken), ok=(2,))
    assert verify(broken).verdict is Verdict.MALFORMED
    tampered = earlier.replace(earlier.splitlines()[2], "A" * 43 + "=")
    old.write_text(tampered)
    factory.platform.run("woaas", "audit", "verify", str(bundle), "--checkpoint", str(old), ok=(1,))


@pytest.mark.anyio
async def test_the_async_client_speaks_the_same(factory: Factory) -> None:
    async with AsyncClient(api_key=factory.key, base_url=factory.platform.url, read_your_writes=True) as client:
        order = await client.work_orders.create(product=PRODUCT, quantity=QUANTITY, release=True, external_ref="SO-1")
        again = await client.work_orders.create(product=PRODUCT, quantity=QUANTITY, release=True, external_ref="SO-1")
        assert again.id == order.id
        assert [o.id async for o in client.work_orders.list(state="released")] == [order.id]
        run = await client.schedule_runs.create(policy="on_time", time_limit=1)
        told = [event async for event in run.events()]
        assert told[-1].get("status") == "finished"
        await run.wait(timeout=180)
        assert run.schedule_id is not None
        assert (await client.schedules.publish(run.schedule_id)).state == "published"
        problem = {
            "horizon": 100,
            "machines": [{"id": "m"}],
            "jobs": [{"id": "j", "operations": [{"id": "o", "modes": [{"machine": "m", "duration": 5}]}]}],
            "limits": {"time_limit": 1, "workers": 1},
        }
        solved = await (await client.solve(problem)).wait(timeout=180)
        assert solved.result is not None
        assert [a.get("start") for a in solved.result.assignments] == [0]


HIDDEN = {
    "operator": {"customer", "external_ref"},
    "customer": {"customer", "external_ref", "operations", "priority", "custom_fields"},
}


def test_each_role_of_the_demo_sees_only_what_it_may(platform: Platform, tmp_path: Path) -> None:
    with platform.client(platform.key()) as owner:
        ours = next(o for o in owner.work_orders.list(customer="ACME") if o.state != "draft")
        theirs = next(o for o in owner.work_orders.list(customer="HUAXIN") if o.state != "draft")
    for role, hidden in HIDDEN.items():
        with platform.client(platform.key(role)) as client:
            shown = client.work_orders.get(ours.id).to_dict()
            assert shown["number"] == ours.number
            assert not hidden & set(shown)
            for order in client.work_orders.list():
                assert not hidden & set(order.to_dict())
            with pytest.raises(woaas.BadRequestError) as refused:
                list(client.work_orders.list(customer="ACME"))
            assert refused.value.code == "unknown_field"
            with pytest.raises(woaas.PermissionDeniedError):
                client.audit.export()
    with platform.client(platform.key("customer")) as customer:
        assert ours.id in {o.id for o in customer.work_orders.list()}
        with pytest.raises(woaas.NotFoundError):
            customer.work_orders.get(theirs.id)
    with platform.client(platform.key("partner")) as partner:
        with pytest.raises((woaas.PermissionDeniedError, woaas.NotFoundError)):
            partner.work_orders.get(ours.id)
        allowed = {
            "id",
            "sequence",
            "name",
            "state",
            "planned_start_at",
            "planned_end_at",
            "external_state",
            "livemode",
        }
        shared = list(partner.operations.list())
        assert {"Anodising 阳极氧化"} == {o.name for o in shared}
        assert all(set(o.to_dict()) <= allowed for o in shared)
    with platform.client(platform.key("auditor")) as auditor:
        shown = auditor.work_orders.get(ours.id).to_dict()
        assert shown["customer"] is None
        assert "/customer" in str(shown["masked_fields"])
        bundle = auditor.audit.export().wait(timeout=180).download(tmp_path / "auditor.zip")
        assert verify(bundle).ok
        with zipfile.ZipFile(bundle) as opened:
            entries = opened.read("entries.jsonl").decode()
            openings = opened.read("openings.jsonl").decode()
        assert "work_order.created" in entries or "work_order" in openings
        for name in ("HUAXIN", "NORDLUX", "YUNDA"):
            changes = [json.loads(line).get("changes", {}) for line in entries.splitlines()]
            assert all(c.get("customer") != name for c in changes)
            assert f'"{name}"' not in "".join(line for line in openings.splitlines() if '"customer"' in line)
        with pytest.raises(woaas.PermissionDeniedError):
            auditor.work_orders.release(ours.id)


def test_the_demo_tells_its_story(platform: Platform) -> None:
    """The panel comes when the plan is published, and says what the API shows: other tests only add to the demo."""
    panel = platform.home / "up.out"
    eventually(lambda: "WOaaS is ready" in panel.read_text(), "the demo is planned", patience_s=660)
    said = " ".join(panel.read_text().replace("│", " ").split())
    told = re.search(r"\d+ orders, .* entries signed", said)
    assert told is not None, said
    assert told[0].startswith("24 orders, 97 operations, 12 machines → solved in")
    assert "1 late, 1 to a partner); 4 orders metered" in told[0]
    assert set(platform.credentials["tenants"]) == {"factory", "partner", "partner2"}
    with platform.client(platform.key()) as owner:
        assert len(list(owner.work_centers.list(limit=100))) == 12
        assert {"day-shift", "late-shift", "night-shift"} <= {c.code for c in owner.calendars.list(limit=100)}
        orders = {o.id: o.number for o in owner.work_orders.list(limit=100)}
        assert {f"WO-{n:06}" for n in range(1, 25)} <= set(orders.values())
        plan = next(iter(owner.schedules.list(sort="created_at")))
        assert plan.metrics is not None
        assert plan.metrics["late_orders"] == 1
        reasons: dict[str, set[str]] = {}
        for gap in plan.overflow:
            reasons.setdefault(gap.reason or "", set()).add(orders[gap.work_order_id or ""] or "")
        assert reasons.pop("late") == {"WO-000008"}
        assert set.union(*reasons.values()) == reasons["no_capable_resource"] == {"WO-000009"}
    for partner in ("partner", "partner2"):
        with platform.client(platform.key(tenant=partner)) as client:
            assert list(client.market.listings.list())
    with platform.client(platform.key("auditor")) as auditor:
        assert auditor.audit.latest_checkpoint()
