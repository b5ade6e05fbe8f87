"""Why an operation stands where it stands: what held its start, and for late jobs the chain that made them late."""

from itertools import pairwise

from woaas_solver_farm.problem import Problem

from .decoding import Plan
from .plan import Why, Writer
from .tables import OUTSIDE, Tables

_CHAIN_SHOWN = 8
# What must be free before the set-up begins, so that the set-up too holds the start.
_AFTER_SETUP = ("machine", "operator", "tool")


def explain(problem: Problem, t: Tables, plan: Plan, writer: Writer) -> list[Why]:
    """Reasons by operation, most binding first, and the operation each waited for; one pass over the finished plan.

    A reason is ``kind`` or ``kind:what``: release, predecessor, machine, operator, tool, setup (with its ticks),
    calendar, fixed, not_before, outsourced; the last operation of a late job also has ``late:ticks`` and
    ``chain:operation<-operation…`` back to what started the delay.
    """
    return _Explanation(problem, t, plan, writer).reasons()


class _Explanation:
    def __init__(self, problem: Problem, t: Tables, plan: Plan, writer: Writer) -> None:
        self.t = t
        self.names = [f"{job.id}/{operation.id}" for job, operation in problem.operations()]
        self.machines = [machine.id for machine in problem.machines]
        self.operators = [operator.id for operator in problem.operators]
        self.tools = [tool.id for tool in problem.tools]
        self.start, self.end, self.setup_start, self.mode, self.operator = (part.tolist() for part in plan)
        self.before_on_machine: dict[int, int] = {}
        for sequence in writer.setups(plan)[0]:
            self.before_on_machine.update((after, before) for before, after in pairwise(sequence))
        self.before_of_operator = self._previous_by_operator()
        self.tool_ends = self._tool_ends()
        self.cause: dict[int, int] = {}

    def reasons(self) -> list[Why]:
        found = [self._holding(i) for i in range(len(self.names))]
        firsts, due = self.t.first_operation.tolist(), self.t.due.tolist()
        for job, (first, last) in enumerate(pairwise(firsts)):
            i = max(range(first, last), key=lambda i: (self.end[i], i))
            if self.end[i] > due[job] and all(self.mode[o] >= 0 for o in range(first, last)):
                found[i] = (*found[i], f"late:{self.end[i] - due[job]}", f"chain:{self._chain(i)}")
        return [Why(reasons, self.cause.get(i, -1)) for i, reasons in enumerate(found)]

    def _holding(self, i: int) -> tuple[str, ...]:
        """What the start waited for: the constraints that end last, and the calendar where a gap remains."""
        t = self.t
        if self.mode[i] < 0:
            return ()
        if t.fixed_mode[i] >= 0:
            return ("fixed",)
        bounds: list[tuple[int, str, int]] = []
        release = int(t.release[i])
        if release > 0:
            bounds.append((release, "release", -1))
        for p in range(t.first_pred[i], t.first_pred[i + 1]):
            before = int(t.pred[p])
            bounds.append((self.end[before] + int(t.pred_lag[p]), f"predecessor:{self.names[before]}", before))
        if int(t.machine[self.mode[i]]) != OUTSIDE:
            bounds += self._resource_bounds(i)
        latest = max((bound for bound, _, _ in bounds), default=0)
        held = [(what, cause) for bound, what, cause in bounds if bound == latest and latest > 0]
        self.cause[i] = next((cause for _, cause in held if cause >= 0), -1)
        reasons = [what for what, _ in held]
        setup = self.start[i] - self.setup_start[i]
        if setup and any(what.partition(":")[0] in _AFTER_SETUP for what in reasons):
            reasons.append(f"setup:{setup}")
        if int(t.machine[self.mode[i]]) == OUTSIDE:
            reasons.append("outsourced")
        elif latest < self.start[i]:
            reasons.insert(0, self._gap(i))
        return tuple(reasons) or ("release",)

    def _resource_bounds(self, i: int) -> list[tuple[int, str, int]]:
        setup = self.start[i] - self.setup_start[i]
        mode = self.mode[i]
        bounds: list[tuple[int, str, int]] = []
        before = self.before_on_machine.get(i, -1)
        if before >= 0:
            bounds.append((self.end[before] + setup, f"machine:{self.machines[self.t.machine[mode]]}", before))
        elif setup:
            bounds.append((setup, f"setup:{setup}", -1))
        before = self.before_of_operator.get(i, -1)
        if before >= 0:
            lead = setup if self.t.sets_up[mode] else 0
            bounds.append((self.end[before] + lead, f"operator:{self.operators[self.operator[i]]}", before))
        for need in range(self.t.first_need[mode], self.t.first_need[mode + 1]):
            tool = int(self.t.need_tool[need])
            before = self.tool_ends.get((tool, self.setup_start[i]), -1)
            if before >= 0 and before != i:
                bounds.append((self.end[before] + setup, f"tool:{self.tools[tool]}", before))
        return bounds

    def _gap(self, i: int) -> str:
        """Idle time nothing above accounts for: closed calendars, else a start chosen to be later."""
        calendars = (self.t.run_calendar[self.mode[i]], self.t.machine_calendar[self.t.machine[self.mode[i]]])
        kind = self.t.operator_class[self.operator[i]] if self.operator[i] >= 0 else -1
        is_always_open = not any(calendars) and (kind < 0 or self.t.common_calendar[0, kind] == 0)
        return "not_before" if is_always_open else "calendar"

    def _previous_by_operator(self) -> dict[int, int]:
        last: dict[int, int] = {}
        previous: dict[int, int] = {}
        for i in sorted((i for i, operator in enumerate(self.operator) if operator >= 0), key=self.start.__getitem__):
            if self.operator[i] in last:
                previous[i] = last[self.operator[i]]
            last[self.operator[i]] = i
        return previous

    def _tool_ends(self) -> dict[tuple[int, int], int]:
        ends: dict[tuple[int, int], int] = {}
        for i, mode in enumerate(self.mode):
            for need in range(self.t.first_need[mode], self.t.first_need[mode + 1]) if mode >= 0 else ():
                ends[int(self.t.need_tool[need]), self.end[i]] = i
        return ends

    def _chain(self, i: int) -> str:
        steps = [self.names[i]]
        while (i := self.cause.get(i, -1)) >= 0 and len(steps) < _CHAIN_SHOWN:
            steps.append(self.names[i])
        return "<-".join(steps) + ("<-…" if i >= 0 else "")
