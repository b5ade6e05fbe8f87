"""One plan in memory and the questions it answers, in the words of the wire."""

import dataclasses
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from woaas_core.ids import encode_id
from woaas_solver_farm.engine.standing.answers import Answer, Stay
from woaas_solver_farm.engine.standing.plan import Plan, Standing
from woaas_solver_farm.inquiries.inputs import MoveQuestion
from woaas_solver_farm.inquiries.reading import Reading
from woaas_solver_farm.material_dates import material_dates
from woaas_solver_farm.problem_builder import Builder
from woaas_solver_farm.reservations import is_order, reserved_job
from woaas_solver_farm.result import Assignment
from woaas_solver_farm.snapshot import PlannedSlot, Reservation
from woaas_work_orders.orders.entities import Operation, Order, WorkOrder
from woaas_work_orders.orders.lifecycle import OrderState

_FILLED = (OrderState.RELEASED, OrderState.RUNNING)


class KeptPlan:
    """A plan with the plant it stands on; questions are asked one at a time, in threads.

    Released orders that the plan does not know yet get the gaps that are left: they will be done, so nobody else is
    promised the time.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.lock = threading.Lock()
        self.loaded_at = time.monotonic()
        self.cursor = reading.cursor
        self.mark = reading.mark
        self.reserved = {r.promise_id: r.expires_at for r in reading.snapshot.reservations}
        # Whether work has gone on since, and whether the plan is still exactly what was read.
        self.is_stale, self.is_untouched = False, True
        # A pinned place is not given here: whoever pinned it may move it again.
        loose = [msgspec.structs.replace(s, pinned=False) for s in reading.snapshot.baseline]
        self._builder = Builder(msgspec.structs.replace(reading.snapshot, baseline=loose), reading.request)
        self.horizon = self._builder.horizon
        snapshot = reading.snapshot
        self._needy = [(head, rows) for head, rows in snapshot.orders if any(o.needs_material for o in rows)]
        self._lots = snapshot.lots
        self._centers, self._people = snapshot.work_centers, snapshot.operators
        problem = self._builder.build().problem
        order_of = {o.id: head.id for head, rows in snapshot.orders for o in rows}
        slots = [s for s in snapshot.baseline if s.operation_id in order_of]
        places = [self._assignment(s, order_of[s.operation_id]) for s in slots]
        pinned = {(a.job, a.operation) for s, a in zip(slots, places, strict=True) if s.pinned}
        self.standing = Standing(problem, places, pinned=pinned)
        waiting = sorted(
            (head for head, _ in snapshot.orders if head.state in _FILLED),
            key=lambda head: (head.priority, head.due_at is None, head.due_at, head.number),
        )
        self.standing.fill([encode_id("wo", head.id) for head in waiting])
        self._builder.snapshot = msgspec.structs.replace(snapshot, orders=(), baseline=())
        self.reading = msgspec.structs.replace(reading, snapshot=self._builder.snapshot)

    @property
    def size(self) -> int:
        """How many operations it holds: what its memory goes by."""
        return len(self.standing.shop.operations)

    def at(self, now: datetime) -> None:
        """Let time pass."""
        tick = max(0, self.horizon.ceil(now))
        self.standing.at(tick, self.horizon.ceil(now + self.reading.request.frozen))

    def sync(self, reservations: Sequence[Reservation], mark: str) -> None:
        """Take the places of these reservations and give back all others; ``mark`` says when this was so."""
        with self.lock:
            now = {r.promise_id: r for r in reservations}
            for gone in self.reserved.keys() - now.keys():
                self.standing.drop_job(encode_id("prm", gone))
            for new in now.keys() - self.reserved.keys():
                job = reserved_job(now[new], self.horizon, set(self._centers), set(self._people))
                if job is not None and not self.standing.knows(job.id):
                    self.standing.insert(job, keep=True)
            self.reserved = {r.promise_id: r.expires_at for r in reservations}
            self.mark = mark
            self.is_untouched = False

    def has_expired(self, now: datetime) -> bool:
        """Whether something is held that is no longer reserved."""
        return any(expires_at <= now for expires_at in self.reserved.values())

    def drop(self, over: Sequence[tuple[str, str]]) -> None:
        """Free the places of operations that are over."""
        with self.lock:
            for job, operation in over:
                if self.standing.drop(job, operation):
                    self.is_untouched = False

    # --- promises --------------------------------------------------------------------------------------------------

    def promise(self, promise_id: UUID, order: Order, now: datetime) -> dict[str, Any]:
        """When an order could be done: the columns of its promise; a rush is put in front where that pays."""
        head, rows = order.head, order.operations
        self.at(now)
        missing = self._material(head, rows) or self._worn(head, rows)
        outside = [o.sequence for o in rows if o.sourcing != "make"]
        if missing or not rows:
            return self._refused(missing or "no_operations")
        job = self._builder.job(encode_id("prm", promise_id), head, {o.sequence: o for o in rows})
        self.standing.teach(tuple(self._builder.plant.operators()))
        answer = self.standing.insert(job, rush=head.priority == 1)
        if answer.refusal:
            return self._refused(answer.refusal, outside)
        end = answer.end
        assert end is not None
        slack = 0 if job.due is None else max(0, job.due - end)
        by_id = {encode_id("op", o.id): o for o in rows}
        return {
            "refusal": None,
            "promised_at": self.horizon.at(end),
            "confidence": self.confidence(slack),
            "impacted": self._impacted(answer),
            "places": [self._place(a, head, by_id[a.operation]) for a in answer.places],
            "quote": {"cost": self._cost(answer.places), "outsource": outside},
        }

    def confidence(self, slack: int) -> float:
        """How sure a promise with so many minutes to spare is: the share of operations completed lately that missed
        their planned end by no more than that, with Laplace's rule where few are known."""
        known = self.reading.delays
        return round((1 + bisect_right(known, slack)) / (2 + len(known)), 3)

    def _refused(self, refusal: str, outside: Sequence[int] = ()) -> dict[str, Any]:
        return {
            "refusal": refusal,
            "promised_at": None,
            "confidence": None,
            "impacted": [],
            "places": [],
            "quote": {"cost": None, "outsource": list(outside)} if outside else None,
        }

    def _material(self, head: WorkOrder, rows: Sequence[Operation]) -> str | None:
        """Let the order wait for material that nobody else needs; what is short, if something is."""
        self._builder.dates.releases.clear()
        if not any(o.materials for o in rows):
            return None
        last = dataclasses.replace(head, priority=99, due_at=None)
        dates = material_dates([*self._needy, (last, rows)], self._lots, self.horizon)
        self._builder.dates.releases.update(dates.releases)
        short = [material for o in rows for material in dates.short.get(o.id, ())]
        return f"material_short:{short[0]}" if short else None

    def _worn(self, head: WorkOrder, rows: Sequence[Operation]) -> str | None:
        """The tool that will not last for the order after all that is planned with it."""
        needs: dict[str, Decimal] = {}
        for row in rows:
            if row.tool is not None:
                needs[row.tool] = needs.get(row.tool, Decimal(0)) + head.quantity
        left = self._builder.tools.left
        return next((f"tool_worn:{tool}" for tool, need in needs.items() if need > left.get(tool, need)), None)

    def _place(self, a: Assignment, head: WorkOrder, row: Operation) -> dict[str, Any]:
        return {
            "sequence": row.sequence,
            "name": row.name,
            "work_center": a.machine,
            "operator": a.operator,
            "tools": list(a.tools),
            "setup_group": self._builder.setup_group(row),
            "setup_minutes": self._builder.setup_minutes(row, a.machine, head),
            "setup_start_at": self.horizon.at(a.setup_start),
            "start_at": self.horizon.at(a.start),
            "end_at": self.horizon.at(a.end),
        }

    def _cost(self, places: Sequence[Assignment]) -> dict[str, str] | None:
        """What the machines cost for as long as they are taken; None unless every one has a rate, in one currency."""
        total, currencies = Decimal(0), set()
        for a in places:
            rate = self._centers.get(a.machine or "", {}).get("cost_per_hour")
            if rate is None:
                return None
            currencies.add(rate["currency"])
            total += Decimal(rate["amount"]) * (a.end - a.setup_start) / 60
        if len(currencies) != 1:
            return None
        return {"amount": str(total.quantize(Decimal("0.01"))), "currency": currencies.pop()}

    def _impacted(self, answer: Answer) -> list[dict[str, Any]]:
        """Orders that would end at another time."""
        moved: dict[str, int] = {}
        for m in answer.moved:
            moved[m.job] = moved.get(m.job, 0) + 1
        return [
            {
                "work_order_id": change.job,
                "due_at": self._instant(change.due),
                "planned_end_at": self._instant(change.before),
                "end_at": self._instant(change.after),
                "late": change.is_late,
                "became_late": change.became_late,
                "operations_moved": moved.get(change.job, 0),
            }
            for change in answer.jobs
            if is_order(change.job)
        ]

    # --- moves -----------------------------------------------------------------------------------------------------

    def move(self, question: MoveQuestion, now: datetime) -> dict[str, Any]:
        """What would come of a move."""
        self.at(now)
        start = self.horizon.ceil(question.start_at)
        answer = self.standing.move(
            question.work_order_id, question.operation_id, question.work_center, start, keep=not question.dry_run
        )
        told: dict[str, Any] = {"feasible": answer.refusal is None, "refusal": answer.refusal}
        if answer.refusal or answer.metrics is None:
            return told
        (place,) = answer.places
        return told | {
            "operation": {
                "operation_id": place.operation,
                "work_order_id": place.job,
                "work_center": place.machine,
                "operator": place.operator,
                "setup_start_at": self._instant(place.setup_start),
                "start_at": self._instant(place.start),
                "end_at": self._instant(place.end),
            },
            "moved": [
                {
                    "operation_id": m.operation,
                    "work_order_id": m.job,
                    "before": self._stay(m.before),
                    "after": None if m.after is None else self._stay(m.after),
                }
                for m in answer.moved
                if is_order(m.job)
            ],
            "impacted": self._impacted(answer),
            "metrics": msgspec.to_builtins(answer.metrics),
            "delta": answer.delta,
        }

    @property
    def pinned(self) -> set[tuple[str, str]]:
        """The operations a planner has pinned, those moved among them."""
        shop = self.standing.shop
        return {(shop.jobs[shop.job_of[i]].id, shop.operations[i].id) for i in self.standing.pinned}

    def become(self, schedule_id: UUID) -> "KeptPlan":
        """The changed plan as the first version of a schedule of its own."""
        self.reading = msgspec.structs.replace(self.reading, schedule_id=schedule_id, version=1)
        return self

    def whole(self) -> Plan:
        """The whole plan, for the checker and for being stored."""
        return self.standing.plan()

    def _stay(self, stay: Stay) -> dict[str, Any]:
        return {
            "work_center": stay.machine,
            "operator": stay.operator,
            "start_at": self._instant(stay.start),
            "end_at": self._instant(stay.end),
        }

    def _instant(self, tick: int | None) -> datetime | None:
        return None if tick is None else self.horizon.at(tick)

    def _assignment(self, slot: PlannedSlot, order_id: UUID) -> Assignment:
        start = self.horizon.floor(slot.start_at)
        return Assignment(
            job=encode_id("wo", order_id),
            operation=encode_id("op", slot.operation_id),
            machine=slot.work_center,
            operator=slot.operator,
            tools=(),
            setup_start=start,
            start=start,
            end=self.horizon.floor(slot.end_at),
            outsourced=slot.work_center is None,
        )
