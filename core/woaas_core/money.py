"""Money: integer minor units and a currency. No float comes near it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel import Locale
from babel.core import get_global
from babel.numbers import list_currencies

from woaas_core.errors import Conflict

_KNOWN = frozenset(list_currencies(Locale("en")))
_FRACTIONS: Mapping[str, Any] = get_global("currency_fractions")


class CurrencyMismatch(Conflict):
    """Two amounts of different currencies in one sum."""

    code = "currency_mismatch"
    title = "The currencies differ"
    hint = "Use one currency; nothing here converts."


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency."""

    code: str

    def __post_init__(self) -> None:
        if self.code not in _KNOWN:
            msg = f"unknown currency {self.code!r}"
            raise ValueError(msg)

    @property
    def exponent(self) -> int:
        """Digits after the point: 2 for CNY, 0 for JPY, 3 for KWD (CLDR)."""
        return int(_FRACTIONS.get(self.code, _FRACTIONS["DEFAULT"])[0])


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount; arithmetic between currencies raises CurrencyMismatch."""

    amount_minor: int
    currency: Currency

    @classmethod
    def zero(cls, currency: Currency) -> "Money":
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def rounded(cls, exact: Decimal, currency: Currency, *, rounding: str = ROUND_HALF_UP) -> "Money":
        """The nearest amount of an exact figure in major units: the one rounding point of a line."""
        scaled = exact.scaleb(currency.exponent)
        return cls(int(scaled.to_integral_value(rounding=rounding)), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with the currency's digits."""
        return Decimal(self.amount_minor).scaleb(-self.currency.exponent)

    def text(self) -> str:
        """The decimal string of the wire, such as ``12.50``."""
        return f"{self.decimal:.{self.currency.exponent}f}"

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount_minor < other.amount_minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount_minor <= other.amount_minor

    def apportion(self, weights: Sequence[Decimal | int]) -> list["Money"]:
        """Split by weights so that the parts sum to the whole (largest remainder method).

        Raises:
            ValueError: no positive weight, or a negative one.
        """
        exact_weights = [Decimal(w) for w in weights]
        total = sum(exact_weights, Decimal(0))
        if total <= 0 or min(exact_weights) < 0:
            msg = "weights must be non-negative with a positive sum"
            raise ValueError(msg)
        sign = -1 if self.amount_minor < 0 else 1
        whole = abs(self.amount_minor)
        shares = [whole * w / total for w in exact_weights]
        parts = [int(s) for s in shares]
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
        for i in by_remainder[: whole - sum(parts)]:
            parts[i] += 1
        return [Money(sign * p, self.currency) for p in parts]

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            msg = f"{self.currency.code} and {other.currency.code} do not add up"
            raise CurrencyMismatch(msg)
