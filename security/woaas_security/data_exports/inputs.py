"""What an owner sends to get everything of the tenant."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Name


class NewDataExport(Body, kw_only=True):
    """An owner's password once more; where the caller is a key, `signer` names the owner by e-mail address."""

    password: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    signer: Name | UnsetType = UNSET
