"""From open work and the plant to the problem a solve takes. Pure: everything it reads is in the snapshot.

Ids in the problem are wire ids (jobs are ``wo_…``, operations ``op_…``) and the tenant's codes, so that a plan's
reasons name what people know.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from woaas_core.ids import encode_id
from woaas_solver_farm.given_places import given_places
from woaas_solver_farm.horizon import TICK_TEXT, Horizon
from woaas_solver_farm.material_dates import material_dates
from woaas_solver_farm.plant import Plant
from woaas_solver_farm.problem import Fixed, Job, Mode, Operation, Outsource, Place, Problem
from woaas_solver_farm.reservations import reserved_job
from woaas_solver_farm.snapshot import PlanRequest, Snapshot
from woaas_solver_farm.tool_life import tool_lives
from woaas_solver_farm.work import Work
from woaas_work_orders.orders.entities import Operation as OperationRow
from woaas_work_orders.orders.entities import WorkOrder
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, OrderState

# Priority 1 is a rush; each step down halves what a minute of lateness counts.
WEIGHTS = {1: 16.0, 2: 8.0, 3: 4.0, 4: 2.0, 5: 1.0}
# Used while a partner's contract has no date of return yet.
CONTRACT_LEAD_TIME = timedelta(days=7)


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the plant knows about an operation's place and the engine does not.

    ``instead`` says an engine's reason in the plant's words (``fixed`` is ``pinned``, ``release`` is
    ``material:BAR-12``, ``no_capable_resource`` is ``tool_worn:M-17``); ``also`` are reasons to add, such as
    ``material_short:BAR-12``.
    """

    instead: dict[str, str] = {}
    also: tuple[str, ...] = ()

    @property
    def is_pinned(self) -> bool:
        """Whether the place is a planner's."""
        return self.instead.get("fixed") == "pinned"

    def reasons(self, engine: Sequence[str]) -> list[str]:
        """An engine's reasons with what this note knows."""
        return [*self.also, *(self.instead.get(reason, reason) for reason in engine)]


class Built(msgspec.Struct, frozen=True):
    """The problem, and what its reasons cannot say, by operation id.

    ``learned_from`` tells of operations and machines whose times were learned from how many closed operations.
    """

    problem: Problem
    notes: Mapping[str, Note]
    learned_from: Mapping[str, Mapping[str, int]] = {}


def build(snapshot: Snapshot, request: PlanRequest) -> Built:
    """The problem of planning every open operation of the snapshot."""
    return Builder(snapshot, request).build()


class Builder:
    """Builds a problem; afterwards it can still build the job of one more order in the same plant and horizon."""

    def __init__(self, snapshot: Snapshot, request: PlanRequest) -> None:
        self.snapshot = snapshot
        self.request = request
        self.horizon = Horizon.of(request.start_at, request.length)
        self.plant = Plant(snapshot, self.horizon)
        self.machines = tuple(self.plant.machines())
        self.work = Work(snapshot.durations, {m.id: m.setup_matrix for m in self.machines})
        self.learned_from: dict[str, dict[str, int]] = {}
        # Expected demand takes no material from real orders.
        real = [pair for pair in snapshot.orders if pair[0].state != OrderState.FORECAST]
        self.dates = material_dates(real, snapshot.lots, self.horizon)
        self.tools = tool_lives(snapshot.orders, snapshot.tools, snapshot.tool_use)
        frozen_until = self.horizon.ceil(self.horizon.start_at + request.frozen)
        self.given = given_places(snapshot, self.plant, self.work, self.horizon, frozen_until=frozen_until)

    def build(self) -> Built:
        """The problem of planning every open operation of the snapshot."""
        # Jobs first: they say which skills and tools are asked for.
        reserved = (reserved_job(r, self.horizon, set(self.snapshot.work_centers), set(self.plant.people))
                    for r in self.snapshot.reservations)  # fmt: skip
        jobs = (*self._jobs(), *(job for job in reserved if job is not None))
        named = {t for job in jobs for o in job.operations for m in o.modes for t in m.tools}
        problem = Problem(
            machines=self.machines,
            jobs=jobs,
            setup_matrices=self.plant.setup_matrices(),
            operators=tuple(self.plant.operators()),
            tools=tuple(self.plant.tools(named)),
            baseline=tuple(self._baseline({o.id for job in jobs for o in job.operations})),
            objective=self.request.objective,
            limits=self.request.limits,
            horizon=self.horizon.ticks,
            tick=TICK_TEXT,
            start_at=self.horizon.start_at.isoformat(),
        )
        return Built(problem, self._notes(), self.learned_from)

    def _jobs(self) -> Iterator[Job]:
        for order, rows in self.snapshot.orders:
            siblings = {o.sequence: o for o in rows if o.state not in OPERATION_ENDED}
            if siblings:
                yield self.job(encode_id("wo", order.id), order, siblings)

    def job(self, name: str, order: WorkOrder, siblings: Mapping[int, OperationRow]) -> Job:
        """An order's open operations, by sequence, as a job."""
        return Job(
            id=name,
            release=self._release(order.earliest_start_at),
            due=self.horizon.floor(order.due_at) if order.due_at else None,
            weight=WEIGHTS[order.priority],
            operations=tuple(self._operation(order, row, siblings) for row in siblings.values()),
        )

    def setup_group(self, row: OperationRow) -> str | None:
        """What an operation sets a machine up for: its own group, else its tool's."""
        tool = self.snapshot.tools.get(row.tool) if row.tool else None
        return row.setup_group or (tool or {}).get("setup_group")

    def setup_minutes(self, row: OperationRow, machine: str | None, order: WorkOrder) -> int:
        """The set-up an operation needs whatever was before it."""
        return self.work.setup(order, row, machine, self.setup_group(row)).ticks if machine else 0

    def _release(self, at: datetime | None) -> int:
        return max(0, self.horizon.ceil(at)) if at else 0

    def _operation(self, order: WorkOrder, row: OperationRow, siblings: Mapping[int, OperationRow]) -> Operation:
        found = self.given.places.get(row.id)
        given = found.place if found else None
        modes = tuple(self._modes(order, row, given))
        return Operation(
            id=encode_id("op", row.id),
            modes=modes,
            release=self.dates.releases.get(row.id, 0),
            setup_group=self.setup_group(row),
            predecessors=tuple(encode_id("op", siblings[p].id) for p in row.predecessors if p in siblings),
            # Work that fits into a shift is done in one; what no shift can hold goes on after the break.
            resumable=any(m.duration > self.plant.longest_stretch(m.machine, m.operator_skill) for m in modes),
            outsource=self._outsource(row),
            fixed=given,
        )

    def _modes(self, order: WorkOrder, row: OperationRow, given: Fixed | None) -> Iterator[Mode]:
        """One mode per work center that may do the operation; none where it goes outside."""
        skill = self.plant.compound_skill(row.skills)
        setup_skill = skill if row.setup_skills is None else self.plant.compound_skill(row.setup_skills)
        for code in [given.machine] if given else self._able(order, row):
            duration, learned_from = self.work.run(order, row, code)
            if learned_from:
                self.learned_from.setdefault(encode_id("op", row.id), {})[code] = learned_from
            yield Mode(
                machine=code,
                duration=duration,
                setup=self.work.setup(order, row, code, self.setup_group(row)).ticks,
                operator_skill=skill,
                setup_skill=setup_skill,
                tools=(row.tool,) if row.tool else (),
                cost=self._cost(code, duration),
            )

    def _able(self, order: WorkOrder, row: OperationRow) -> list[str]:
        """The work centers named, else those of the order's line or site, as far as they are up."""
        if row.sourcing == "outsource" or row.contract_id is not None or row.id in self.tools.worn:
            return []
        if row.work_centers:
            return [c for c in row.work_centers if c in self.plant.able_now]
        centers = self.snapshot.work_centers
        return [
            c
            for c in self.plant.able_now
            if order.line in (None, centers[c].get("line")) and order.site in (None, centers[c].get("site"))
        ]

    def _outsource(self, row: OperationRow) -> Outsource | None:
        """What a partner has contracted for; without a contract there is nobody to send it to."""
        if row.contract_id is None:
            return None
        back = row.planned_end_at or self.horizon.start_at + CONTRACT_LEAD_TIME
        return Outsource(cost=0, lead_time=max(1, self.horizon.ceil(back)))

    def _cost(self, code: str, duration: int) -> float:
        rate = self.snapshot.work_centers[code].get("cost_per_hour")
        return float(rate["amount"]) * duration / 60 if rate else 0.0

    def _notes(self) -> dict[str, Note]:
        """What is known of operations beside the problem; of most nothing is."""
        found: dict[str, Note] = {}
        for order, rows in self.snapshot.orders:
            released = self._release(order.earliest_start_at)
            for row in rows:
                instead: dict[str, str] = {}
                if row.id in self.given.places:
                    instead["fixed"] = self.given.places[row.id].why
                if row.id in self.dates.awaited and self.dates.releases[row.id] > released:
                    instead["release"] = f"material:{self.dates.awaited[row.id]}"
                if row.id in self.tools.worn:
                    instead["no_capable_resource"] = f"tool_worn:{self.tools.worn[row.id]}"
                also = [f"material_short:{material}" for material in self.dates.short.get(row.id, ())]
                also += [f"pin_lost:{self.given.lost_pins[row.id]}"] if row.id in self.given.lost_pins else []
                if instead or also:
                    found[encode_id("op", row.id)] = Note(instead, tuple(also))
        return found

    def _baseline(self, planned: set[str]) -> Iterator[Place]:
        for slot in self.snapshot.baseline:
            operation = encode_id("op", slot.operation_id)
            if operation in planned and (slot.work_center is None or slot.work_center in self.snapshot.work_centers):
                yield Place(
                    operation=operation,
                    machine=slot.work_center,
                    start=self.horizon.floor(slot.start_at),
                    operator=slot.operator if slot.operator in self.snapshot.operators else None,
                )
