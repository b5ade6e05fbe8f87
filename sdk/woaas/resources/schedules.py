"""`client.schedule_runs` and `client.schedules`: make a plan, look at it, publish it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Unpack, cast

from woaas._endpoint import endpoint, listing, procedure, streaming
from woaas._models import Model
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._runs import ENDED, Run
from woaas._stream import Stream
from woaas._transport import Executor, Steps
from woaas._wire import Filter, Instant
from woaas.resources.plant import MasterData
from woaas.types.schedules import (
    Comparison,
    Gantt,
    Incumbent,
    LateOrder,
    Move,
    NewScheduleRun,
    Policy,
    PolicyFields,
    RecordVersion,
    Scenario,
    ScenarioFields,
    Schedule,
    Slot,
    SolveResult,
)
from woaas.types.work_orders import Command


class ScheduleRun(Run[M]):
    """A plan being made. `wait()` for it, `stop()` it and keep the best plan so far, or follow its `events()`."""

    collection = "/v1/schedule-runs"

    kind: str | None
    livemode: bool | None
    deadline: datetime | None
    budget: timedelta | None
    objective: float | None
    bound: float | None
    gap: float | None
    metrics: dict[str, object] | None
    incumbents: list[Incumbent]
    schedule_id: str | None
    policy_version: int | None
    scenario: str | None
    result: SolveResult | None

    @procedure
    def wait(
        self,
        *,
        on_progress: Callable[[ScheduleRun[M]], None] | None = None,
        timeout: timedelta | float | None = None,
    ) -> Steps[ScheduleRun[M]]:
        """Until it has ended; `on_progress` is told every change. Returns this handle, brought up to date.

        Raises:
            RunFailedError: it failed.
            WaitTimeoutError: it has not ended within `timeout` seconds.
        """
        return self._until_ended(on_progress, timeout)

    @streaming
    def events(self) -> Stream[Model]:
        """What the solver says while it works, until the run ends."""
        return Stream(path(f"{self.collection}/{{}}/events", self.id), Model, _ends)


class SolveRun(ScheduleRun[M]):
    """A problem of one's own being solved; its `result` is private and kept for 24 hours."""

    collection = "/v1/solve"


def solve_handle(executor: Executor[M]) -> Callable[[dict[str, object]], SolveRun[M]]:
    """What makes handles of the answers about private solves."""
    return lambda raw: cast("SolveRun[M]", SolveRun(raw))._bind(executor)  # noqa: SLF001


class ScheduleRuns(Bound[M]):
    """Runs that make plans."""

    @endpoint
    def create(self, **run: Unpack[NewScheduleRun]) -> Request[ScheduleRun[M]]:
        """Start planning: all open orders, from now, unless said otherwise."""
        fields: dict[str, object] = dict(run)
        if "baseline" in fields:
            fields["baseline_schedule_id"] = fields.pop("baseline")
        return post("/v1/schedule-runs", self._handle, fields)

    @endpoint
    def get(self, id: str) -> Request[ScheduleRun[M]]:
        """A run, to wait for or to read."""
        return read(path("/v1/schedule-runs/{}", id), self._handle)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[ScheduleRun[M]]:
        """Runs by filter."""
        return listing_of("/v1/schedule-runs", self._handle, {"limit": limit, "cursor": cursor, **filters})

    def _handle(self, raw: dict[str, object]) -> ScheduleRun[M]:
        return cast("ScheduleRun[M]", ScheduleRun(raw))._bind(self._executor)  # noqa: SLF001


class Schedules(Bound[M]):
    """Plans."""

    @endpoint
    def get(self, id: str) -> Request[Schedule]:
        """One plan."""
        return read(path("/v1/schedules/{}", id), Schedule)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Schedule]:
        """Plans by filter."""
        return listing_of("/v1/schedules", Schedule, {"limit": limit, "cursor": cursor, **filters})

    @listing
    def slots(
        self, id: str, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[Slot]:
        """Every operation's place in the plan."""
        return listing_of(path("/v1/schedules/{}/slots", id), Slot, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def gantt(self, id: str) -> Request[Gantt]:
        """The plan as rows and bars."""
        return read(path("/v1/schedules/{}/gantt", id), Gantt)

    @endpoint
    def move(
        self,
        id: str,
        *,
        operation: str,
        work_center: str,
        start_at: Instant,
        dry_run: bool = False,
        **command: Unpack[Command],
    ) -> Request[Move]:
        """Put an operation on a work center at a start. A dry run only says what would come of it.

        Without one a new proposed plan is made (`schedule_id`), the operation pinned. Where `status` is `queued` the
        planner took longer: ask `move_result` with the ids.
        """
        fields = {"operation_id": operation, "work_center": work_center, "start_at": start_at, **command}
        where = path("/v1/schedules/{}/moves", id)
        return post(f"{where}?dry_run=true" if dry_run else where, Move, fields)

    @endpoint
    def move_result(self, id: str, move: str) -> Request[Move]:
        """What came of a move, for 24 hours."""
        return read(path("/v1/schedules/{}/moves/{}", id, move), Move)

    @endpoint
    def compare(self, id: str, other: str) -> Request[Comparison]:
        """The plan beside another one by its id, or beside what `fifo` or `edd` would have made."""
        return read(path("/v1/schedules/{}/compare", id), Comparison, {"with": other})

    @listing
    def late_orders(self, id: str, /, *, limit: int | None = None, cursor: str | None = None) -> Listing[LateOrder]:
        """Late orders, the worst first, each with the chain of operations that makes it late."""
        return listing_of(path("/v1/schedules/{}/late-orders", id), LateOrder, {"limit": limit, "cursor": cursor})

    @endpoint
    def pin(self, id: str, slot: str, **command: Unpack[Command]) -> Request[Slot]:
        """Have the next plans keep a place: machine and time."""
        return post(path("/v1/schedules/{}/slots/{}/pin", id, slot), Slot, command)

    @endpoint
    def unpin(self, id: str, slot: str, **command: Unpack[Command]) -> Request[Slot]:
        """Let the next plan move a place again."""
        return post(path("/v1/schedules/{}/slots/{}/unpin", id, slot), Slot, command)

    @endpoint
    def publish(self, id: str, **command: Unpack[Command]) -> Request[Schedule]:
        """Make it the plan the shop floor works by."""
        return post(path("/v1/schedules/{}/publish", id), Schedule, command)


class Policies(MasterData[M, Policy]):
    """What plans minimise: the presets and your own, every version kept."""

    collection = "/v1/policies"
    kind = Policy

    @endpoint
    def put(self, code: str, **fields: Unpack[PolicyFields]) -> Request[Policy]:
        """Create or replace a policy; plans already made keep the version they used."""
        return self._put(code, fields)

    @listing
    def versions(self, code: str) -> Listing[RecordVersion]:
        """What the policy has said, the newest version first."""
        return listing_of(path("/v1/policies/{}/versions", code), RecordVersion, {})


class Scenarios(MasterData[M, Scenario]):
    """What-ifs: changes over the live plant, planned apart from it."""

    collection = "/v1/scenarios"
    kind = Scenario

    @endpoint
    def put(self, code: str, **fields: Unpack[ScenarioFields]) -> Request[Scenario]:
        """Create or replace a scenario; plan it with `client.schedule_runs.create(scenario=code)`."""
        return self._put(code, fields)

    @listing
    def versions(self, code: str) -> Listing[RecordVersion]:
        """What the scenario has said, the newest version first."""
        return listing_of(path("/v1/scenarios/{}/versions", code), RecordVersion, {})


def _ends(event: Model) -> bool:
    return event.get("status") in ENDED
