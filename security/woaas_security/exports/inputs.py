"""What a caller sends to get an export."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body

Format = Literal["ndjson", "csv", "parquet"]
Plain = str | int | float | bool


class NewObjectExport(Body, kw_only=True):
    """A kind of object, by its name or that of its list, and which of them.

    `filter` holds the parameters of that list (`{"state": "running,held", "due_at[lt]": "…", "q": "…"}`), `fields` the
    columns; without it the file has all that the requester may read.
    """

    resource: Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["work_order"])]
    format: Format | UnsetType = UNSET
    filter: dict[str, Plain | list[Plain]] | None | UnsetType = UNSET
    fields: Annotated[list[str], msgspec.Meta(min_length=1, max_length=200)] | None | UnsetType = UNSET
