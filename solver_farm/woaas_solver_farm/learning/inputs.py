"""What callers send about duration models."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, DurationText, Text

Quantile = Annotated[
    float, msgspec.Meta(ge=0.05, le=0.95, description="What share of operations should be done by then")
]


class NewDurationModel(Body, kw_only=True):
    """A training to queue; `promote` false leaves a better model as a candidate."""

    quantile: Quantile | UnsetType = UNSET
    history: DurationText | UnsetType = UNSET
    promote: bool | UnsetType = UNSET


class ModelCommand(Body, kw_only=True):
    """What goes with a command on a model."""

    reason: Text | UnsetType = UNSET


TrainingStatus = Literal["queued", "finished", "failed"]
ModelState = Literal["untrained", "rejected", "candidate", "in_force", "retired"]
