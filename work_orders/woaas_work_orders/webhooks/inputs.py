"""Bodies of requests about webhook endpoints."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, DurationText, Name

URL = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, examples=["https://example.com/hook"])]
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=["work_order.*"])]
Patterns = Annotated[list[Pattern], msgspec.Meta(min_length=1, max_length=50)]


class NewEndpoint(Body, kw_only=True):
    """An address that events are sent to, and which: a type, all of a noun's (`work_order.*`), or `*`."""

    url: URL
    events: Patterns
    name: Name | None | UnsetType = UNSET


class EndpointChange(Body, kw_only=True):
    """What of an endpoint may change."""

    url: URL | UnsetType = UNSET
    events: Patterns | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET


class WebhookSecretRotation(Body, kw_only=True):
    """How long the secret in use signs beside the new one; a day if it is not said, `PT0S` if it has leaked."""

    keep_previous_for: DurationText | UnsetType = UNSET
