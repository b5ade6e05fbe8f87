"""What a quantity costs: exact decimal arithmetic, rounded once a line. Pure.

Tier bounds are half-open from below, ``(previous up_to, up_to]``: unit 100 of a tier up to 100 belongs to it.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from itertools import pairwise
from typing import NamedTuple

import msgspec

from woaas_core.money import Currency, Money

ZERO = Decimal(0)
_LOG2_MOST_UNITS = 40
# Wide enough for any product of a quantity and a unit price; what would not be exact raises instead of rounding.
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP, traps=[Inexact])
_ROUNDING = Context(prec=80, rounding=ROUND_HALF_UP)


class Tier(msgspec.Struct, frozen=True):
    """Units up to and including ``up_to`` (None: all further ones); ``flat`` is due once the tier is entered."""

    up_to: Decimal | None
    unit: Decimal
    flat: Decimal = ZERO

    def __post_init__(self) -> None:
        _check_amounts(self.unit, self.flat)


class _Price(msgspec.Struct, frozen=True, tag_field="model"):
    """``minimum`` is what a period costs at least; the difference is a line of its own."""

    minimum: Decimal | None = None

    def __post_init__(self) -> None:
        _check_amounts(self.minimum or ZERO)


class PerUnit(_Price, frozen=True, tag="per_unit", kw_only=True):
    """Every unit costs the same."""

    unit: Decimal

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_amounts(self.unit)


class Graduated(_Price, frozen=True, tag="graduated", kw_only=True):
    """Each unit costs what its own tier says; a first tier at zero is a free allowance."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_tiers(self.tiers)


class Volume(_Price, frozen=True, tag="volume", kw_only=True):
    """All units cost what the tier of their total says; crossing a bound may make the whole cheaper."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_tiers(self.tiers)


class Package(_Price, frozen=True, tag="package", kw_only=True):
    """Units are sold in packages of ``size``, a started one in full, after ``free`` units."""

    amount: Decimal
    size: Decimal
    free: Decimal = ZERO

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_amounts(self.amount, self.size, self.free)
        if not self.size:
            msg = "a package holds more than nothing"
            raise ValueError(msg)


Price = PerUnit | Graduated | Volume | Package


class Charge(NamedTuple):
    """An exact line: ``above`` and ``up_to`` are the bounds of its tier; ``quantity`` counts free units too."""

    kind: str
    quantity: Decimal
    unit: Decimal
    exact: Decimal
    above: Decimal = ZERO
    up_to: Decimal | None = None

    def amount(self, currency: Currency) -> Money:
        """The line's amount: the one place where it is rounded, half up."""
        with localcontext(_ROUNDING):
            return Money.rounded(self.exact, currency)


def read_price(params: object) -> Price:
    """A stored price; a shape or a bound that makes no sense is refused."""
    price: Price = msgspec.convert(params, Price)
    return price


def rate(price: Price, quantity: Decimal, *, after: Decimal = ZERO) -> tuple[Charge, ...]:
    """The exact lines for a quantity; their quantities sum to it.

    ``after`` is what the same month has been billed for already: its tiers and its allowance are used up by that much.
    """
    if quantity < 0:
        msg = "a quantity to rate is not negative"
        raise ValueError(msg)
    with localcontext(_EXACT):
        charges = tuple(_charges(price, quantity, after))
        usage = sum((c.exact for c in charges), ZERO)
        if price.minimum is not None and usage < price.minimum:
            charges += (Charge("true_up", ZERO, ZERO, price.minimum - usage),)
        return charges


def total(charges: Sequence[Charge], currency: Currency) -> Money:
    """The sum of the rounded lines, which is what an invoice says."""
    return sum((c.amount(currency) for c in charges), Money.zero(currency))


def graduated_between(tiers: Sequence[Tier], start: Decimal, end: Decimal) -> tuple[Charge, ...]:
    """What the units ``(start, end]`` add: increments over any split sum to the whole."""
    with localcontext(_EXACT):
        return tuple(_graduated(tiers, start, end))


def units_within(price: Price, limit: Money, *, after: Decimal = ZERO) -> int | None:
    """How many whole units may be counted, one by one, before the total first exceeds a limit; None is any number."""
    previous = 0
    for bound in _steps(price, after):
        if _exceeds(price, bound, limit, after):
            return max(_first_above(price, previous, bound, limit, after) - 1, 0)
        previous = bound
    return None


def _charges(price: Price, quantity: Decimal, after: Decimal) -> Iterator[Charge]:
    match price:
        case PerUnit(unit=unit):
            if quantity:
                yield Charge("usage", quantity, unit, quantity * unit)
        case Graduated(tiers=tiers):
            yield from _graduated(tiers, after, after + quantity)
        case Volume(tiers=tiers):
            for above, tier in _bounded(tiers):
                if above < quantity and (tier.up_to is None or quantity <= tier.up_to):
                    yield Charge("usage", quantity, tier.unit, quantity * tier.unit + tier.flat, above, tier.up_to)
        case Package(amount=amount, size=size, free=allowance):
            free = max(ZERO, allowance - after)
            if quantity and free:
                yield Charge("usage", min(quantity, free), ZERO, ZERO, ZERO, free)
            if quantity > free:
                # Not `-(-a // b)`: Decimal division truncates towards zero, so that idiom bills one package too few.
                whole, rest = divmod(quantity - free, size)
                yield Charge("usage", quantity - free, amount, (whole + (1 if rest else 0)) * amount, free)


def _graduated(tiers: Sequence[Tier], start: Decimal, end: Decimal) -> Iterator[Charge]:
    for above, tier in _bounded(tiers):
        upper = end if tier.up_to is None else min(end, tier.up_to)
        units = upper - max(start, above)
        if units > 0:
            entered = tier.flat if start <= above else ZERO
            yield Charge("usage", units, tier.unit, units * tier.unit + entered, above, tier.up_to)


def _bounded(tiers: Sequence[Tier]) -> Iterator[tuple[Decimal, Tier]]:
    """Each tier with the bound below it."""
    above = ZERO
    for tier in tiers:
        yield above, tier
        above = tier.up_to if tier.up_to is not None else above


def _steps(price: Price, after: Decimal) -> list[int]:
    """Whole quantities between which the total only grows: the bounds of tiers, and ever wider probes."""
    tiers = price.tiers if isinstance(price, Graduated | Volume) else ()
    bounds = {int(t.up_to - after) for t in tiers if t.up_to is not None and t.up_to > after}
    return sorted(bounds | {1 << n for n in range(_LOG2_MOST_UNITS + 1)})


def _first_above(price: Price, low: int, high: int, limit: Money, after: Decimal) -> int:
    """The first quantity over the limit in ``(low, high]``, where the total does not fall."""
    if _exceeds(price, low, limit, after):
        return low
    while high - low > 1:
        middle = (low + high) // 2
        if _exceeds(price, middle, limit, after):
            high = middle
        else:
            low = middle
    return high


def _exceeds(price: Price, units: int, limit: Money, after: Decimal) -> bool:
    return limit < total(rate(price, Decimal(units), after=after), limit.currency)


def _check_amounts(*amounts: Decimal) -> None:
    if not all(a.is_finite() and a >= 0 for a in amounts):
        msg = "what is in a price is a number and not negative"
        raise ValueError(msg)


def _check_tiers(tiers: Sequence[Tier]) -> None:
    bounds = [t.up_to for t in tiers]
    if not bounds or bounds[-1] is not None or None in bounds[:-1]:
        msg = "tiers end with one that has no upper bound, and only that one"
        raise ValueError(msg)
    known = [ZERO, *(b for b in bounds if b is not None)]
    if any(a >= b for a, b in pairwise(known)):
        msg = "the bounds of tiers rise"
        raise ValueError(msg)
