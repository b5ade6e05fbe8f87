"""What an owner sends to end his tenant."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Name

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class NewTenantDeletion(Body, kw_only=True):
    """An owner's password once more, with `otp` where he has a second factor.

    Where the caller is a key, `signer` names the owner by e-mail address.
    """

    password: Secret
    otp: Secret | UnsetType = UNSET
    signer: Name | UnsetType = UNSET
