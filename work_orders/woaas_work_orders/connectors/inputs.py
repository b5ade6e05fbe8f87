"""What callers send about connectors."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, DurationText, Name

MachineState = Literal["up", "down", "maintenance", "stale"]
Means = Literal["state", "good", "scrap", "rework", "report", "value"]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Broker(Body, kw_only=True):
    """A plant's broker. `password` is written and never shown; it is sent again with every other change of these."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8883
    tls: bool = True
    ca_certificate: Annotated[str, msgspec.Meta(max_length=20_000)] | None = None
    username: Name | None = None
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None | UnsetType = UNSET


class Tag(Body, kw_only=True):
    """What one topic, or one metric of it, says of a work center.

    `metric` is a member of a JSON message (`press.state`) or the name of a Sparkplug metric; a Sparkplug `topic` is
    `group/node` or `group/node/device`. `states` translates a machine's words into states of a work center. `good`,
    `scrap` and `rework` are counters that only grow; `report` is a whole report.
    """

    tag: Code
    topic: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    metric: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    work_center: Code | None = None
    means: Means = "value"
    states: Annotated[dict[Word, MachineState], msgspec.Meta(max_length=50)] = {}


class ConnectorBody(Body, kw_only=True):
    """A source of machine data. Without `broker` its machines publish to the platform's own."""

    code: Code | UnsetType = UNSET
    kind: Literal["mqtt"] | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET
    broker: Broker | None | UnsetType = UNSET
    sparkplug: bool | UnsetType = UNSET
    stale_after: DurationText | None | UnsetType = UNSET
    tags: Annotated[list[Tag], msgspec.Meta(max_length=1000)] | UnsetType = UNSET
