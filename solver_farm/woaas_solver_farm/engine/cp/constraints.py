"""The rules of the plant as CP constraints, one function for each family.

The model may be looser than the plant, never stricter: set-up ignores calendars, operators and tools, and resumable
work may take longer than its breaks explain. So its bounds hold, and each solution is decoded into a real plan.
"""

from collections import defaultdict
from collections.abc import Iterator

from ortools.sat.python import cp_model

from woaas_solver_farm.engine.calendars import NEVER
from woaas_solver_farm.engine.tables import OUTSIDE, Tables

from .variables import Variables


def add_all(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    """Add every family."""
    _one_mode(model, t, v)
    _precedence(model, t, v)
    _working_time(model, t, v)
    _machines(model, t, v)
    _operators(model, t, v)
    _tools(model, t, v)


def arcs(t: Tables) -> int:
    """How many set-up literals the sequence constraints would need."""
    sizes = [len(modes) for machine, modes in _modes_by_machine(t).items() if t.machine_matrix[machine] >= 0]
    return sum(size * size for size in sizes)


def _one_mode(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    for i in range(t.job_of.size):
        model.add_exactly_one(v.chosen[m] for m in range(t.first_mode[i], t.first_mode[i + 1]))
        if t.fixed_mode[i] >= 0:
            model.add(v.chosen[t.fixed_mode[i]] == 1)


def _precedence(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    for i in range(t.job_of.size):
        for p in range(t.first_pred[i], t.first_pred[i + 1]):
            before = int(t.pred[p])
            if t.fixed_mode[i] < 0 or t.fixed_mode[before] < 0:
                model.add(v.start[i] >= v.end[before] + int(t.pred_lag[p]))
        if t.latest_end[i] < NEVER and t.fixed_mode[i] < 0:
            model.add(v.end[i] <= int(t.latest_end[i]))


def _working_time(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    """Unbroken work starts where a window still holds all of it; resumable work starts and ends in a window."""
    for i in range(t.job_of.size):
        if t.fixed_mode[i] >= 0:
            continue
        for m in range(t.first_mode[i], t.first_mode[i + 1]):
            duration, literal = int(t.duration[m]), v.chosen[m]
            if t.resumable[i]:
                model.add(v.end[i] - v.start[i] >= duration).only_enforce_if(literal)
            if t.run_calendar[m] == 0 or duration == 0:
                continue
            windows = list(_windows(t, int(t.run_calendar[m])))
            need = 1 if t.resumable[i] else duration
            starts = [[a, b - need] for a, b in windows if b - a >= need]
            model.add_linear_expression_in_domain(v.start[i], cp_model.Domain.from_intervals(starts)).only_enforce_if(
                literal
            )
            if t.resumable[i]:
                ends = cp_model.Domain.from_intervals([[a + 1, b] for a, b in windows])
                model.add_linear_expression_in_domain(v.end[i], ends).only_enforce_if(literal)


def _machines(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    """One operation at a time; with a set-up matrix the sequence is a circuit whose arcs hold the set-up."""
    for machine, modes in _modes_by_machine(t).items():
        model.add_no_overlap([v.interval[m] for _, m in modes])
        if t.machine_matrix[machine] >= 0:
            _sequence(model, t, v, machine, modes)
            continue
        model.add_no_overlap([_with_setup(model, t, v, i, m) for i, m in modes])


def _with_setup(model: cp_model.CpModel, t: Tables, v: Variables, i: int, m: int) -> cp_model.IntervalVar:
    """A mode's interval with its own set-up before it."""
    setup = int(t.setup[m])
    if not setup or (t.fixed_mode[i] >= 0 and t.fixed_start[i] <= 0):
        return v.interval[m]
    if t.fixed_mode[i] < 0:
        model.add(v.start[i] >= setup).only_enforce_if(v.chosen[m])
    return model.new_optional_interval_var(v.start[i] - setup, v.size[i] + setup, v.end[i], v.chosen[m], "")


def _sequence(model: cp_model.CpModel, t: Tables, v: Variables, machine: int, modes: list[tuple[int, int]]) -> None:
    circuit: list[tuple[int, int, cp_model.LiteralT]] = [(0, 0, model.new_bool_var("idle"))]
    for k, (i, m) in enumerate(modes, start=1):
        circuit.append((k, k, v.chosen[m].negated()))
        circuit.append((k, 0, model.new_bool_var("")))
        first = model.new_bool_var("")
        circuit.append((0, k, first))
        v.change[machine, -1, i] = first
        setup = _setup(t, machine, -1, i, m)
        if setup and t.fixed_mode[i] < 0:
            model.add(v.start[i] >= setup).only_enforce_if(first)
        for other, (before, _) in enumerate(modes, start=1):
            if before == i:
                continue
            literal = model.new_bool_var("")
            circuit.append((other, k, literal))
            v.change[machine, before, i] = literal
            both_given = t.fixed_mode[i] >= 0 and t.fixed_mode[before] >= 0
            gap = 0 if both_given else _setup(t, machine, before, i, m)
            model.add(v.start[i] >= v.end[before] + gap).only_enforce_if(literal)
    model.add_circuit(circuit)


def _setup(t: Tables, machine: int, before: int, after: int, mode: int) -> int:
    if t.fixed_mode[after] >= 0 and t.fixed_start[after] <= 0:
        return 0
    group = int(t.machine_group[machine] if before < 0 else t.group[before])
    if group < 0 or t.group[after] < 0:
        return int(t.setup[mode])
    return int(t.setup[mode] + t.setup_matrix[t.machine_matrix[machine], group, t.group[after]])


def setup_of_change(t: Tables, v: Variables) -> Iterator[tuple[cp_model.IntVar, int]]:
    """Each set-up literal of the sequences with the change-over it stands for, the modes' own set-up left out."""
    for (machine, before, after), literal in v.change.items():
        own = _setup(t, machine, before, after, int(t.first_mode[after])) - int(t.setup[t.first_mode[after]])
        if own > 0:
            yield literal, own


def _operators(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    """A run with a skill has one able operator, who does one thing at a time and works his own shifts."""
    held: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
    for i in range(t.job_of.size):
        people = [(member, literal) for (o, member), literal in _staff_of(t, v, i)]
        if not people:
            if t.fixed_operator[i] >= 0:
                held[int(t.fixed_operator[i])].append(v.interval[t.fixed_mode[i]])
            continue
        manned = [m for m in range(t.first_mode[i], t.first_mode[i + 1]) if t.needs_operator[m]]
        model.add(sum(literal for _, literal in people) == sum(v.chosen[m] for m in manned))
        for m in manned:
            team = set(t.member[t.first_member[t.run_team[m]] : t.first_member[t.run_team[m] + 1]].tolist())
            model.add_bool_or([literal for member, literal in people if member in team]).only_enforce_if(v.chosen[m])
        for member, literal in people:
            held[member].append(model.new_optional_interval_var(v.start[i], v.size[i], v.end[i], literal, ""))
            calendar = int(t.common_calendar[0, t.operator_class[member]])
            if calendar and not t.resumable[i]:
                _within_shifts(model, t, v, i, calendar, literal, [int(t.duration[m]) for m in manned])
    for intervals in held.values():
        model.add_no_overlap(intervals)


def _staff_of(t: Tables, v: Variables, i: int) -> list[tuple[tuple[int, int], cp_model.IntVar]]:
    members: dict[int, None] = {}
    for m in range(t.first_mode[i], t.first_mode[i + 1]):
        if t.run_team[m] >= 0:
            members.update(
                dict.fromkeys(t.member[t.first_member[t.run_team[m]] : t.first_member[t.run_team[m] + 1]].tolist())
            )
    return [((i, member), v.staffed[i, member]) for member in members if (i, member) in v.staffed]


def _within_shifts(
    model: cp_model.CpModel, t: Tables, v: Variables, i: int, calendar: int, literal: cp_model.IntVar, needs: list[int]
) -> None:
    need = min(needs)
    if need:
        starts = [[a, b - need] for a, b in _windows(t, calendar) if b - a >= need]
        domain = cp_model.Domain.from_intervals(starts)
        model.add_linear_expression_in_domain(v.start[i], domain).only_enforce_if(literal)


def _tools(model: cp_model.CpModel, t: Tables, v: Variables) -> None:
    uses: dict[int, list[tuple[cp_model.IntervalVar, int]]] = defaultdict(list)
    for i in range(t.job_of.size):
        for m in range(t.first_mode[i], t.first_mode[i + 1]):
            for need in range(t.first_need[m], t.first_need[m + 1]):
                uses[int(t.need_tool[need])].append((v.interval[m], int(t.need_count[need])))
    for tool, intervals in uses.items():
        count = int(t.first_unit[tool + 1] - t.first_unit[tool])
        model.add_cumulative([interval for interval, _ in intervals], [need for _, need in intervals], count)


def _modes_by_machine(t: Tables) -> dict[int, list[tuple[int, int]]]:
    by_machine: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i in range(t.job_of.size):
        for m in range(t.first_mode[i], t.first_mode[i + 1]):
            if t.machine[m] != OUTSIDE:
                by_machine[int(t.machine[m])].append((i, m))
    return by_machine


def _windows(t: Tables, calendar: int) -> Iterator[tuple[int, int]]:
    for window in range(t.calendars.first[calendar], t.calendars.first[calendar + 1]):
        yield int(t.calendars.start[window]), int(t.calendars.end[window])
