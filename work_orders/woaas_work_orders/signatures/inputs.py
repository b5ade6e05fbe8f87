"""What callers send to sign."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Name, Text

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class SignatureBody(Body, kw_only=True):
    """A signature: what it means, and who signs, once more shown to be himself.

    A person who signs with his own session or token leaves `signer` out; a key is nobody, so there it names the member
    by e-mail address. `proof` stands in for the password of a person who joined by single sign-on: the console hands it
    out once his identity provider has asked him anew.
    """

    meaning: Name
    reason: Text | None | UnsetType = UNSET
    signer: Name | UnsetType = UNSET
    password: Secret | UnsetType = UNSET
    otp: Secret | UnsetType = UNSET
    proof: Secret | UnsetType = UNSET


class NewSignature(SignatureBody, kw_only=True):
    """A signature under the work order or operation `subject`."""

    subject: Name
