"""Better first plans: dispatch, look which jobs suffer, give them more urgency and dispatch again.

Squeaky wheel optimisation (Joslin and Clements 1999) over the wished ends of jobs and the rule's weights: the late are
pulled forward by what they were late, some by lot are moved either way, some rules are drawn around the best.
"""

import math
import random

import numpy as np
import numpy.typing as npt

from .calendars import NEVER
from .decoding import Genes, Plan
from .dispatch import Rule, dispatch_to, wished_ends
from .flat import Flat
from .measuring import energy_of, measure, prices_of
from .places import places_of
from .tables import Tables

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TOLERANCE = 0.05
_SHARES = (1.0, 0.3, 0.1, 0.03)


class Wheel:
    """One sequence of dispatches; a pure function of its seed and first rule."""

    def __init__(self, t: Tables, flat: Flat, rule: Rule, seed: int) -> None:
        self._t, self._flat = t, flat
        self._prices, self._wished = prices_of(t), wished_ends(t)
        self._lot = random.Random(seed)  # noqa: S311 - a search that must repeat
        self._lots = np.random.default_rng(seed)
        self._rule, self._pull = rule, np.zeros(t.due.size)
        self._haste = np.minimum(2.0, t.weight / max(float(t.weight.mean()), 1e-9))
        self._energy = self.best_energy = math.inf
        self._job_end = np.zeros(t.due.size, np.int64)
        self.genes, self.plan = self._try(self._rule, self._pull)

    def advance(self, steps: int) -> bool:
        """Dispatch so often; true if a better plan than ever before was found."""
        before = self.best_energy
        for _ in range(steps):
            self._step()
        return self.best_energy < before

    def _step(self) -> None:
        dice, rule, pull = self._lot.random(), self._rule, self._pull
        share = self._lots.random(pull.size) < self._lot.choice(_SHARES)
        if dice < 0.5:
            late = np.maximum(0, self._job_end - self._t.due) * self._haste * self._lot.random()
            pull = (pull + np.where(share, late, 0)) * self._lot.choice((1.0, 1.0, 0.95, 0.8))
        elif dice < 0.75:
            scale = rule.slack * 50 * self._lot.choice((0.3, 1.0, 3.0))
            pull = pull + np.where(share, self._lots.normal(0, scale, pull.size), 0)
        else:
            rule = redrawn(rule, self._lot)
        self._try(rule, pull)

    def _try(self, rule: Rule, pull: Floats) -> tuple[Genes, Plan]:
        t = self._t
        # What has no place ends never, which grows beyond any integer when it is pulled again and again.
        pull = np.clip(np.nan_to_num(pull), -NEVER, NEVER)
        wished = self._wished - pull.astype(np.int64)[t.job_of]
        genes, plan, booking = dispatch_to(t, self._flat, rule, wished)
        job_end = np.zeros(t.due.size, np.int64)
        energy = energy_of(self._prices, measure(self._flat, places_of(plan, booking), job_end))
        if energy <= self._energy or energy < self.best_energy + _TOLERANCE * abs(self.best_energy):
            self._rule, self._pull, self._energy, self._job_end = rule, pull, energy, job_end
        if energy < self.best_energy:
            self.best_energy, self.genes, self.plan = energy, genes, plan
        return genes, plan


def redrawn(rule: Rule, lot: random.Random) -> Rule:
    """A rule drawn around another."""
    slack, setup, waiting = (value * math.exp(lot.gauss(0, 0.5)) for value in rule[:3])
    signed = rule.signed if lot.random() < 0.9 else 1.0 - rule.signed
    return Rule(slack, setup, waiting, signed, lot.choice((0.0, 0.05, 0.2, rule.setup_bias)))
