"""What callers send about proposals."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Text


class AcceptBody(Body, kw_only=True):
    """What goes with accepting a proposal."""

    reason: Text | UnsetType = UNSET


class RejectBody(Body, kw_only=True):
    """Why a proposal is not what should be done; it is what the next policy is made from."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


ProposalState = Literal["open", "accepted", "edited", "rejected", "expired"]
