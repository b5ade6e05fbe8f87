"""Reading request bodies: typed, strict, with errors that point at the place.

Structs of the parts use these types; ``decode`` turns msgspec's complaints into 400 and 422 answers.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec

from woaas_core.durations import parse_duration
from woaas_core.errors import FieldError, Invalid, Malformed, NotADecimalString, UnknownField
from woaas_core.money import Currency, Money

T = TypeVar("T")

# Python's ``$`` also matches before a last newline, and ``\d`` any script's digits: neither is meant, and the patterns
# must mean the same to the ECMAScript readers of the OpenAPI document.
Code = Annotated[str, msgspec.Meta(pattern=r"^[\w.\-]{1,64}$(?!\n)", description="A code of the tenant's own choice")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=4000)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
DecimalText = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$(?!\n)",
        title="decimal",
        description="A decimal string",
        examples=["12.50"],
    ),
]
Quantity = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,15}(\.[0-9]{1,6})?$(?!\n)",
        title="decimal",
        description="A decimal string",
        examples=["10"],
    ),
]
DurationText = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^P([0-9]{1,4}W|([0-9]{1,5}D)?"
        r"(T(?=[0-9])([0-9]{1,6}H)?([0-9]{1,8}M)?([0-9]{1,9}(\.[0-9]{1,6})?S)?)?)$(?!\n)",
        title="duration",
        description="An ISO 8601 duration, days at most",
        examples=["PT1H30M"],
    ),
]
CurrencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)", examples=["CNY"])]

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CODE = re.compile(r"[\w.\-]{1,64}")
_AT = re.compile(r"(.*) - at `(?:key )?(.+)`$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of request bodies: a member that does not exist is an error, not a wish unheard."""


class MoneyBody(Body, kw_only=True):
    """An amount as the wire writes it."""

    amount: DecimalText
    currency: CurrencyCode

    def money(self, at: str = "") -> Money:
        """The exact amount.

        Raises:
            Invalid: an unknown currency, or more digits than the currency has.
        """
        try:
            currency = Currency(self.currency)
        except ValueError:
            raise invalid(f"{at}/currency", "invalid", f"{self.currency!r} is not an ISO 4217 currency.") from None
        exact = Decimal(self.amount)
        rounded = Money.rounded(exact, currency)
        if rounded.decimal != exact:
            detail = f"{self.currency} has {currency.exponent} digits after the point."
            raise invalid(f"{at}/amount", "invalid", detail)
        return rounded


def money_view(money: Money) -> dict[str, str]:
    """An amount as the wire shows it."""
    return {"amount": money.text(), "currency": money.currency.code}


def invalid(pointer: str, code: str, detail: str) -> Invalid:
    """A 422 about one place."""
    return Invalid(detail, errors=(FieldError(pointer, code, detail),))


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The members the caller sent: absent is not null."""
    values = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in values if value is not msgspec.UNSET}


def check_code(text: str) -> None:
    """Refuse a code in a path that no body could hold.

    Raises:
        Invalid: other characters than letters, digits and ``._-``, or not 1 to 64 of them.
    """
    if _CODE.fullmatch(text) is None:
        raise invalid("/code", "invalid", "A code has 1 to 64 letters, digits, '.', '_' or '-'.")


def duration_of(text: str, pointer: str) -> Any:
    """Read a duration that the pattern has let through."""
    try:
        return parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise invalid(pointer, "invalid", str(error)) from None


def utc(value: datetime | None, pointer: str) -> datetime | None:
    """An instant in UTC; years that no factory means and no database stores safely are refused."""
    if value is None:
        return None
    if not 1970 <= value.year < 2200:
        raise invalid(pointer, "invalid", "The year must be from 1970 to 2199.")
    return value.astimezone(UTC)


def decode(raw: bytes, into: type[T]) -> T:
    """Read a JSON body.

    Raises:
        Malformed: not JSON.
        Invalid: readable, but not of this shape; codes ``unknown_field``, ``required``, ``not_a_decimal_string``.
    """
    if b"\\u0000" in raw and _NUL.search(raw):
        detail = "Text must not contain the NUL character."
        raise Invalid(detail, errors=(FieldError("", "invalid", detail),))
    try:
        return _decoder(into).decode(raw or b"{}")  # type: ignore[no-any-return, arg-type]  # the cache forgets the type
    except msgspec.ValidationError as error:
        # The typed decoder stops at the first member that does not fit, before it has seen whether the rest is JSON.
        _check_well_formed(raw)
        raise explain(error, into) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from None


def _check_well_formed(raw: bytes) -> None:
    try:
        msgspec.json.decode(raw or b"{}")
    except msgspec.ValidationError:
        return  # well-formed, with a number beyond what can be read
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"The body is not well-formed JSON: {error}.")


@lru_cache(maxsize=500)
def _decoder(into: Any) -> Any:
    return msgspec.json.Decoder(into)


def explain(error: msgspec.ValidationError, into: Any) -> Invalid:
    """A msgspec complaint as a 422 with a JSON Pointer (RFC 6901)."""
    text = str(error)
    found = _AT.match(text)
    message, path = (found[1], found[2]) if found else (text, "$")
    steps = [a or b for a, b in _STEP.findall(path)]
    if (unknown := _UNKNOWN.match(message)) is not None:
        pointer = _pointer([*steps, unknown[1]])
        detail = f"There is no field {unknown[1]!r} here."
        return UnknownField(detail, errors=(FieldError(pointer, "unknown_field", detail),))
    if (missing := _MISSING.match(message)) is not None:
        detail = f"{missing[1]!r} is required."
        return Invalid(detail, errors=(FieldError(_pointer([*steps, missing[1]]), "required", detail),))
    pointer = _pointer(steps)
    if _is_decimal(into, steps):
        detail = 'Write a decimal string such as "12.50".'
        return NotADecimalString(detail, errors=(FieldError(pointer, "not_a_decimal_string", detail),))
    detail = f"{message}."
    return Invalid(detail, errors=(FieldError(pointer, "invalid", detail),))


def _pointer(steps: list[str]) -> str:
    # msgspec does not name the key of a mapping, so the pointer ends at the mapping.
    known = steps[: steps.index("...")] if "..." in steps else steps
    return "".join("/" + s.replace("~", "~0").replace("/", "~1") for s in known)


def _is_decimal(into: Any, steps: list[str]) -> bool:
    """Whether the type at a path is a decimal string, found by walking the type along the path."""
    kinds: list[Any] = [msgspec.inspect.type_info(into)]
    for step in steps:
        deeper: list[Any] = []
        for kind in _flat(kinds):
            if isinstance(kind, msgspec.inspect.StructType):
                deeper += [f.type for f in kind.fields if f.encode_name == step]
            elif isinstance(kind, msgspec.inspect.ListType):
                deeper.append(kind.item_type)
            elif isinstance(kind, msgspec.inspect.DictType):
                deeper.append(kind.value_type)
        kinds = deeper
    return any(
        isinstance(kind, msgspec.inspect.Metadata) and (kind.extra_json_schema or {}).get("title") == "decimal"
        for kind in _flat(kinds)
    )


def _flat(kinds: list[Any]) -> list[Any]:
    """Types with unions opened and annotations both kept and looked through."""
    out: list[Any] = []
    queue = list(kinds)
    while queue:
        kind = queue.pop()
        out.append(kind)
        if isinstance(kind, msgspec.inspect.UnionType):
            queue += kind.types
        elif isinstance(kind, msgspec.inspect.Metadata):
            queue.append(kind.type)
    return out
