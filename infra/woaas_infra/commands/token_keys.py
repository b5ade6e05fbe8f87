"""``woaas-server keys rotate-tokens``."""

import sys
from pathlib import Path

from woaas_infra.commands.settings import load_settings
from woaas_infra.errors import CannotStart


def rotate(*, home: Path | None = None, at_once: bool = False) -> None:
    """Sign access and ID tokens with the next key; running servers take it up by themselves, and no request fails.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    at_once
        Also where the next key is not published for a day yet: for a key that has leaked
    """
    from woaas_core.clock import SystemClock  # noqa: PLC0415 - keeps --help fast
    from woaas_core.private_files import UnsafeFile  # noqa: PLC0415
    from woaas_security.oauth import signing  # noqa: PLC0415

    path = load_settings(home).token_keys_path
    try:
        keys = signing.rotate(path, SystemClock(), at_once=at_once)
    except (signing.TooEarly, UnsafeFile, ValueError) as error:
        raise CannotStart(str(error)) from error
    for name, key in (("next", keys.next), ("current", keys.current), *(("previous", k) for k in keys.previous)):
        sys.stdout.write(f"{name:9} {key.kid} made {key.made_at.isoformat(timespec='seconds')}\n")
