"""What somebody who signs in by a provider takes to it to be asked anew: what for, sealed for his session."""

import base64
from datetime import datetime
from uuid import UUID

import msgspec

from woaas_core.ids import encode_id
from woaas_security.identity.keyring import Keyring

_PLACE = "confirmation"


class Intent(msgspec.Struct):
    """What a user wants to confirm by a connection; a proof of it is ``bound_to`` his session and the thing itself."""

    connection: UUID
    user: UUID
    bound_to: str
    wanted: str
    until: datetime


def path_of(keyring: Keyring, intent: Intent) -> str:
    """Where the browser goes on with it."""
    sealed = base64.urlsafe_b64encode(keyring.seal(msgspec.json.encode(intent), _PLACE)).decode()
    return f"/console/sso/{encode_id('sso', intent.connection)}/confirm?intent={sealed}"


def intent_of(keyring: Keyring, sealed: str) -> Intent | None:
    """What was sealed; None where it is not ours."""
    try:
        raw = base64.urlsafe_b64decode(sealed.encode("ascii", "replace"))
        return msgspec.json.decode(keyring.open(raw, _PLACE) or b"", type=Intent)
    except (ValueError, msgspec.DecodeError):
        return None
