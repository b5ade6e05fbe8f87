"""The kinds of master data: what each may hold, and how it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Text, bindparam

from woaas_core.events.envelope import EventType, event_type
from woaas_core.wire import Body, Code, DurationText, Instant, MoneyBody, Name, Quantity
from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.orders.inputs import NewOperation, UnitText
from woaas_work_orders.resources.models import master_data

# Beside the code: what people call a thing by.
_SEARCHED = frozenset({"name", "serial_number", "product", "lot", "material"})

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WallTime = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$(?!\n)", examples=["06:00"])]
LocalDate = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)")]


class Record(Body, kw_only=True):
    """What every kind may hold: the code it is put under, said again."""

    code: Code | UnsetType = UNSET


class Site(Record, kw_only=True):
    """A place with machines."""

    name: Name | UnsetType = UNSET
    time_zone: Name | UnsetType = UNSET


class Line(Record, kw_only=True):
    """A group of work centers in a site."""

    name: Name | UnsetType = UNSET
    site: Code | None | UnsetType = UNSET


class WorkCenter(Record, kw_only=True):
    """One schedulable unit: a machine or a place of work."""

    name: Name | UnsetType = UNSET
    site: Code | None | UnsetType = UNSET
    line: Code | None | UnsetType = UNSET
    equipment_class: Code | None | UnsetType = UNSET
    calendar: Code | None | UnsetType = UNSET
    cost_per_hour: MoneyBody | None | UnsetType = UNSET
    initial_setup_group: Code | None | UnsetType = UNSET
    state: Literal["up", "down", "maintenance", "stale"] | UnsetType = UNSET


class Shift(Body, kw_only=True):
    """A weekly working window in the calendar's wall time; an end at or before the start is on the next day."""

    day: Day
    start: WallTime
    end: WallTime


class CalendarException(Body, kw_only=True):
    """A date that differs: its windows replace the week's; none means closed."""

    date: LocalDate
    windows: Annotated[list["Window"], msgspec.Meta(max_length=10)] = []


class Window(Body, kw_only=True):
    """A working window of one date."""

    start: WallTime
    end: WallTime


class Calendar(Record, kw_only=True):
    """When work happens."""

    time_zone: Name | UnsetType = UNSET
    weekly: Annotated[list[Shift], msgspec.Meta(max_length=100)] | UnsetType = UNSET
    exceptions: Annotated[list[CalendarException], msgspec.Meta(max_length=1000)] | UnsetType = UNSET


class Qualification(Body, kw_only=True):
    """A skill a person holds, with its validity (both days inclusive)."""

    skill: Code
    level: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    valid_from: LocalDate | None = None
    valid_to: LocalDate | None = None


class Operator(Record, kw_only=True):
    """A person on the floor."""

    name: Name | UnsetType = UNSET
    qualifications: Annotated[list[Qualification], msgspec.Meta(max_length=100)] | UnsetType = UNSET
    calendar: Code | None | UnsetType = UNSET
    location: Code | None | UnsetType = UNSET


class Tool(Record, kw_only=True):
    """A mould, fixture or gauge of which there are so many."""

    name: Name | UnsetType = UNSET
    count: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | UnsetType = UNSET
    life: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] | None | UnsetType = UNSET
    setup_group: Code | None | UnsetType = UNSET


class SetupEntry(Body, kw_only=True):
    """How long changing over from one group to another takes."""

    from_group: Code
    to_group: Code
    duration: DurationText


class SetupMatrix(Record, kw_only=True):
    """Sequence-dependent setup times of some work centers or an equipment class."""

    work_centers: Annotated[list[Code], msgspec.Meta(max_length=200)] | UnsetType = UNSET
    equipment_class: Code | None | UnsetType = UNSET
    entries: Annotated[list[SetupEntry], msgspec.Meta(max_length=10_000)] | UnsetType = UNSET


class Material(Record, kw_only=True):
    """Something that is bought, made or consumed."""

    name: Name | UnsetType = UNSET
    unit: UnitText | UnsetType = UNSET


class MaterialLot(Record, kw_only=True):
    """A lot of a material; a restricted one may not be used."""

    lot: Code | UnsetType = UNSET
    material: Code | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    disposition: Literal["planned", "in_process", "restricted", "unrestricted", "closed"] | UnsetType = UNSET
    available_at: Instant | None | UnsetType = UNSET


class Routing(Record, kw_only=True):
    """How a product is made; its code is the product's."""

    name: Name | UnsetType = UNSET
    product: Code | UnsetType = UNSET
    operations: Annotated[list[NewOperation], msgspec.Meta(max_length=200)] | UnsetType = UNSET


class Asset(Record, kw_only=True):
    """A thing that is maintained."""

    name: Name | UnsetType = UNSET
    site: Code | None | UnsetType = UNSET
    serial_number: Code | None | UnsetType = UNSET


class Customer(Record, kw_only=True):
    """Somebody who orders."""

    name: Name | UnsetType = UNSET
    email: Name | None | UnsetType = UNSET


@dataclass(frozen=True, eq=False)
class MasterKind:
    """A kind with its path, body and the resource that permissions are about.

    ``check``, given code and body, says what the body's shape cannot; with ``keeps_versions`` every body that a record
    ever had stays readable.
    """

    path: str
    body: type[Record]
    resource: Resource
    changed: EventType
    archived: EventType
    check: Callable[[str, Any], None] | None = None
    keeps_versions: bool = False

    @property
    def name(self) -> str:
        """The kind as stored and as policies name it."""
        return self.resource.name


def _member(name: str) -> Callable[[Any], Any]:
    return lambda body: body.get(name)


def master_kind(
    path: str,
    name: str,
    prefix: str,
    body: type[Record],
    *,
    check: Callable[[str, Any], None] | None = None,
    keeps_versions: bool = False,
) -> MasterKind:
    """A kind of records that are put by code; a part above declares its own with it and serves them the same way."""
    words = name.replace("_", " ")
    members = tuple(
        Field(m, "json", column="body", render=_member(m), member=m, searched=m in _SEARCHED)
        for m in body.__struct_fields__
        if m != "code"
    )
    return MasterKind(
        path,
        body,
        Resource(
            name,
            prefix,
            master_data,
            (
                Field("id", "id", prefix=prefix),
                Field("code", filterable=True, searched=True),
                *members,
                Field("archived_at", "instant", filterable=True),
                Field("created_at", "instant", filterable=True),
                Field("updated_at", "instant", filterable=True, tells_of_all=True),
                Field("version", "integer", tells_of_all=True),
            ),
            actions=frozenset({"create", "archive"}),
            writes=members_of(body),
            is_reference=True,
            of_kind=master_data.c.kind == bindparam(f"kind_{name}", name, type_=Text),
            is_indexed=True,
        ),
        event_type(f"{name}.changed", f"A {words} was set."),
        event_type(f"{name}.archived", f"A {words} was retired."),
        check,
        keeps_versions,
    )


KINDS: tuple[MasterKind, ...] = (
    master_kind("sites", "site", "sit", Site),
    master_kind("lines", "line", "lin", Line),
    master_kind("work-centers", "work_center", "wc", WorkCenter),
    master_kind("calendars", "calendar", "cal", Calendar),
    master_kind("operators", "operator", "opr", Operator),
    master_kind("tools", "tool", "tol", Tool),
    master_kind("setup-matrices", "setup_matrix", "stm", SetupMatrix),
    master_kind("materials", "material", "mat", Material),
    master_kind("material-lots", "material_lot", "lot", MaterialLot),
    master_kind("routings", "routing", "rtg", Routing),
    master_kind("assets", "asset", "ast", Asset),
    master_kind("customers", "customer", "cus", Customer),
)

BY_NAME = {k.name: k for k in KINDS}
