"""What a change is worth: the lateness of a rush against what it costs the others, in the objective's words."""

from collections.abc import Callable, Mapping, Sequence

from woaas_solver_farm.problem import Metric

from .figures import Figures
from .floor import Floor, Spot
from .repair import Stuck


class Worth:
    """Weighs by the first level of an objective; lateness always counts."""

    def __init__(self, floor: Floor, figures: Figures, goals: Mapping[Metric, float]) -> None:
        self._floor, self._shop, self._figures, self._goals = floor, floor.shop, figures, goals
        self._tardy = goals.get("weighted_tardiness") or 1.0

    def lateness(self, order: Sequence[int]) -> int:
        """By how much a new job misses its due time; one without is wanted at once."""
        job = self._shop.jobs[self._shop.job_of[order[0]]]
        wanted = self._floor.now if job.due is None else job.due
        return max(spot.end for i in order if (spot := self._floor.spots[i]) is not None) - wanted

    def urgency(self, order: Sequence[int]) -> float:
        """What a tick of a new job's lateness counts."""
        return (self._shop.jobs[self._shop.job_of[order[0]]].weight or 1.0) * self._tardy

    def cost(self, before: Mapping[int, Spot | None], order: Sequence[int]) -> float:
        """What a change costs whose places were ``before``, the new job's own lateness counted in."""
        spots = self._floor.spots
        looked = {self._shop.job_of[i] for i in before} - {self._shop.job_of[i] for i in order}
        tardy, flow = 0.0, 0
        for j in looked:
            old = self._figures.state(j, lambda i: before.get(i, spots[i]))
            new = self._figures.state(j, spots.__getitem__)
            if old.end is not None and new.end is not None:
                tardy += old.weight * (new.tardiness - old.tardiness)
                flow += new.end - old.end
        setup = sum(s.need for i in before if (s := spots[i]) is not None)
        setup -= sum(s.need for s in before.values() if s is not None)
        goals = self._goals
        cost = tardy * self._tardy + setup * goals.get("setup_time", 0.0)
        cost += flow * goals.get("flow_time", 0.0) + len(before) * goals.get("changes", 0.0)
        return cost + (max(0, self.lateness(order)) * self.urgency(order) if order else 0.0)

    def toll(self, worth: float) -> Callable[[int, Spot], None]:
        """Stops a push as soon as what it is known to cost others is more than it is worth."""
        ends: dict[int, int] = {}
        spent = 0.0

        def pay(i: int, spot: Spot) -> None:
            nonlocal spent
            j = self._shop.job_of[i]
            job = self._shop.jobs[j]
            known = ends.get(j, self._figures.ends[j] if j < len(self._figures.ends) else None)
            spent += self._goals.get("changes", 0.0)
            if job.due is not None and known is not None and spot.end > known:
                spent += job.weight * self._tardy * (max(job.due, spot.end) - max(job.due, known))
                ends[j] = spot.end
            if spent > worth:
                raise Stuck

        return pay
