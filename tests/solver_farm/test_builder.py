"""From a small factory to a problem."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from woaas_core.ids import uuid7
from woaas_solver_farm import problem as problems
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.problem import Job, Limits, Operation
from woaas_solver_farm.problem_builder import Built, build
from woaas_solver_farm.snapshot import PlannedSlot, PlanRequest, Snapshot
from woaas_work_orders.orders.creation import build_operations, new_head
from woaas_work_orders.orders.entities import Operation as OperationRow
from woaas_work_orders.orders.entities import WorkOrder
from woaas_work_orders.orders.inputs import NewWorkOrder

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CENTERS: dict[str, dict[str, Any]] = {"m1": {}, "m2": {}}


def order(*operations: dict[str, Any], number: str = "WO-1", **fields: Any) -> tuple[WorkOrder, list[OperationRow]]:
    body = msgspec.convert({"product": "P", "quantity": "10", "operations": list(operations), **fields}, NewWorkOrder)
    head = new_head(body, number=number, request_hash=b"", now=NOW)
    assert not isinstance(body.operations, msgspec.UnsetType)
    return head, build_operations(head, body.operations, NOW)


def step(name: str = "Turning", **fields: Any) -> dict[str, Any]:
    return {"name": name, "work_centers": ["m1", "m2"], "unit_time": "PT3M", "setup_time": "PT15M", **fields}


def built(*orders: tuple[WorkOrder, list[OperationRow]], frozen: timedelta = timedelta(0), **plant: Any) -> Built:
    snapshot = Snapshot(**{"orders": orders, "work_centers": CENTERS, **plant})
    request = PlanRequest(
        start_at=NOW, length=timedelta(days=14), frozen=frozen, objective=PRESETS["on_time"], limits=Limits()
    )
    made = build(snapshot, request)
    assert problems.decode(problems.encode(made.problem)) == made.problem
    return made


def only(made: Built) -> tuple[Job, Operation]:
    (job,) = made.problem.jobs
    return job, job.operations[0]


class TestTheWork:
    def test_the_run_takes_unit_time_for_what_is_not_yet_good(self) -> None:
        head, rows = order(step())
        rows[0].good = Decimal(4)
        (first, second) = only(built((head, rows)))[1].modes
        assert (first.machine, first.duration, first.setup) == ("m1", 18, 15)
        assert second.machine == "m2"

    def test_a_reported_surplus_leaves_no_negative_time(self) -> None:
        head, rows = order(step())
        rows[0].good = Decimal(12)
        assert only(built((head, rows)))[1].modes[0].duration == 0

    def test_due_release_and_weight_come_from_the_order(self) -> None:
        pair = order(step(), priority=1, due_at="2026-11-23T18:00:30Z", earliest_start_at="2026-11-23T09:00:30Z")
        job, _ = only(built(pair))
        assert (job.due, job.release, job.weight) == (600, 61, 16.0)
        assert only(built(order(step(), priority=5)))[0].weight == 1.0
        assert only(built(order(step())))[0].due is None

    def test_ended_operations_are_gone_also_as_predecessors(self) -> None:
        head, rows = order(step(), step("Milling"), step("Washing"))
        rows[0].state = "completed"
        (job,) = built((head, rows)).problem.jobs
        milling, washing = job.operations
        assert milling.predecessors == ()
        assert washing.predecessors == (milling.id,)

    def test_an_order_with_nothing_left_is_no_job(self) -> None:
        head, rows = order(step())
        rows[0].state = "skipped"
        assert built((head, rows)).problem.jobs == ()

    def test_only_work_no_shift_can_hold_goes_over_breaks(self) -> None:
        day = {"weekly": [{"day": "mon", "start": "08:00", "end": "16:00"}], "time_zone": "UTC"}
        plant = {"work_centers": {"m1": {"calendar": "day"}, "m2": {"calendar": "day"}}, "calendars": {"day": day}}
        assert only(built(order(step()), **plant))[1].resumable is False
        assert only(built(order(step(unit_time="PT1H")), **plant))[1].resumable is True


class TestThePlant:
    def test_what_is_down_gets_nothing_new(self) -> None:
        made = built(order(step()), work_centers={"m1": {"state": "down"}, "m2": {"state": "stale"}})
        assert [m.machine for m in only(made)[1].modes] == ["m2"]
        assert {m.id for m in made.problem.machines} == {"m1", "m2"}

    def test_without_named_work_centers_those_of_the_line_may_do_it(self) -> None:
        centers = {"m1": {"line": "L1"}, "m2": {"line": "L2"}, "m3": {"line": "L1", "state": "maintenance"}}
        made = built(order(step(work_centers=[]), line="L1"), work_centers=centers)
        assert [m.machine for m in only(made)[1].modes] == ["m1"]

    def test_a_matrix_that_names_the_work_center_wins_over_its_class(self) -> None:
        centers = {"m1": {"equipment_class": "mill"}, "m2": {"equipment_class": "mill", "initial_setup_group": "A"}}
        entries = [{"from_group": "A", "to_group": "B", "duration": "PT14M30S"}]
        matrices = {"by-class": {"equipment_class": "mill", "entries": entries}, "own": {"work_centers": ["m1"]}}
        made = built(order(step(setup_group="B")), work_centers=centers, setup_matrices=matrices)
        assert [(m.setup_matrix, m.initial_setup_group) for m in made.problem.machines] == [
            ("own", None),
            ("by-class", "A"),
        ]
        assert made.problem.setup_matrices["by-class"] == {"A": {"B": 15}}
        assert only(made)[1].setup_group == "B"

    def test_several_skills_need_one_person_who_holds_them_all_today(self) -> None:
        def person(*skills: str, **validity: str) -> dict[str, Any]:
            return {"qualifications": [{"skill": s, **validity} for s in skills]}

        operators = {
            "ann": person("turning", "crane"),
            "bob": person("turning"),
            "cem": person("turning", "crane", valid_to="2026-11-22"),
        }
        made = built(order(step(skills=["turning", "crane"])), operators=operators)
        assert only(made)[1].modes[0].operator_skill == "crane+turning"
        assert [o.id for o in made.problem.operators if "crane+turning" in o.skills] == ["ann"]

    def test_a_machine_is_set_up_for_the_group_of_the_operation_or_else_its_tools(self) -> None:
        tools = {"mould": {"setup_group": "M"}}
        own: list[dict[str, Any]] = [{}, {"setup_group": "A"}]
        assert [only(built(order(step(tool="mould", **fields)), tools=tools))[1].setup_group for fields in own] == [
            "M",
            "A",
        ]

    def test_who_sets_up_needs_other_skills_where_the_operation_says_so(self) -> None:
        operators = {"ann": {"qualifications": [{"skill": "turning"}, {"skill": "setting"}]}}
        skills = {"same": {}, "other": {"setup_skills": ["setting"]}, "nobody": {"setup_skills": []}}
        told = {
            name: only(built(order(step(skills=["turning"], **fields)), operators=operators))[1].modes[0].setup_skill
            for name, fields in skills.items()
        }
        assert told == {"same": "turning", "other": "setting", "nobody": None}

    def test_a_tool_on_record_has_its_count_and_an_unknown_one_exists_once(self) -> None:
        made = built(order(step(tool="T1"), step(tool="T9")), tools={"T1": {"count": 3}})
        assert {t.id: t.count for t in made.problem.tools} == {"T1": 3, "T9": 1}


class TestMaterial:
    needs = {"materials": [{"material": "BAR", "quantity": "10", "unit": "pcs"}]}

    def lot(self, quantity: str, hour: int | None = None, **more: Any) -> dict[str, Any]:
        available = None if hour is None else f"2026-11-23T{hour:02}:00:00Z"
        return {"material": "BAR", "quantity": quantity, "available_at": available, **more}

    def release(self, *lots: dict[str, Any]) -> int:
        return only(built(order(step(**self.needs)), lots={str(i): lot for i, lot in enumerate(lots)}))[1].release

    def test_work_waits_for_the_lot_that_completes_its_need(self) -> None:
        assert self.release(self.lot("6"), self.lot("4", 10), self.lot("9", 12)) == 120

    def test_restricted_and_undated_planned_lots_do_not_count(self) -> None:
        lots = [self.lot("10", disposition="restricted"), self.lot("10", disposition="planned"), self.lot("10", 11)]
        assert self.release(*lots) == 180

    def test_untracked_and_kitted_material_holds_nothing(self) -> None:
        assert self.release() == 0
        head, rows = order(step(**self.needs))
        rows[0].kitted = True
        assert only(built((head, rows), lots={"1": self.lot("10", 11)}))[1].release == 0

    def test_the_more_urgent_order_gets_the_first_lot(self) -> None:
        late = order(step(**self.needs), number="WO-1", priority=3)
        rush = order(step(**self.needs), number="WO-2", priority=1)
        made = built(late, rush, lots={"1": self.lot("10", 9), "2": self.lot("10", 15)})
        assert [job.operations[0].release for job in made.problem.jobs] == [420, 60]

    def test_what_is_short_is_noted(self) -> None:
        pair = order(step(**self.needs))
        made = built(pair, lots={"1": self.lot("4", 9)})
        (note,) = made.notes.values()
        assert note.also == ("material_short:BAR",)
        assert note.reasons(["release", "machine:m1"]) == ["material_short:BAR", "material:BAR", "machine:m1"]


class TestGivenPlaces:
    def slot(self, row: OperationRow, start: int, end: int, **fields: Any) -> PlannedSlot:
        at = {"start_at": NOW + timedelta(minutes=start), "end_at": NOW + timedelta(minutes=end)}
        return PlannedSlot(**{"operation_id": row.id, "work_center": "m1", "operator": None, **at, **fields})

    def test_what_runs_stays_on_its_machine_until_the_rest_is_done(self) -> None:
        head, rows = order(step())
        rows[0].state, rows[0].work_center, rows[0].good = "running", "m2", Decimal(5)
        rows[0].started_at = NOW - timedelta(minutes=20)
        operation = only(built((head, rows)))[1]
        assert operation.fixed is not None
        assert (operation.fixed.machine, operation.fixed.start, operation.fixed.end) == ("m2", -20, 15)
        assert [m.setup for m in operation.modes] == [0]

    def test_a_place_within_the_frozen_window_is_kept(self) -> None:
        pair = order(step())
        made = built(pair, frozen=timedelta(hours=1), baseline=[self.slot(pair[1][0], 30, 75)])
        fixed = only(made)[1].fixed
        assert fixed is not None
        assert (fixed.machine, fixed.start, fixed.end) == ("m1", 30, 75)

    def test_later_past_and_impossible_places_are_planned_anew(self) -> None:
        pair = order(step())
        for start, machine in ((60, "m1"), (-5, "m1"), (30, "m9")):
            slot = self.slot(pair[1][0], start, start + 45, work_center=machine)
            made = built(pair, frozen=timedelta(hours=1), baseline=[slot])
            assert only(made)[1].fixed is None

    def test_a_pinned_place_is_kept_beyond_the_window(self) -> None:
        pair = order(step())
        assert only(built(pair, baseline=[self.slot(pair[1][0], 600, 645, pinned=True)]))[1].fixed is not None

    def test_a_frozen_place_before_an_unplaced_predecessor_is_given_up(self) -> None:
        head, rows = order(step(), step("Milling"))
        made = built((head, rows), frozen=timedelta(hours=1), baseline=[self.slot(rows[1], 30, 75)])
        assert made.problem.jobs[0].operations[1].fixed is None

    def test_the_plan_in_force_is_the_baseline(self) -> None:
        pair = order(step())
        (place,) = built(pair, baseline=[self.slot(pair[1][0], 90, 135)]).problem.baseline
        assert (place.machine, place.start) == ("m1", 90)


class TestOutside:
    def test_outsourced_work_without_a_partner_has_no_place(self) -> None:
        operation = only(built(order(step(sourcing="outsource"))))[1]
        assert operation.modes == ()
        assert operation.outsource is None

    def test_contracted_work_is_with_the_partner_until_it_is_due_back(self) -> None:
        head, rows = order(step(sourcing="either"))
        rows[0].contract_id, rows[0].planned_end_at = uuid7(), NOW + timedelta(days=2)
        operation = only(built((head, rows)))[1]
        assert operation.modes == ()
        assert operation.outsource is not None
        assert operation.outsource.lead_time == 2880
