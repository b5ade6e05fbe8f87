"""Which exit code a failure is."""

from __future__ import annotations

import woaas

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
CONFLICT = 5

EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (woaas.NotFoundError, NOT_FOUND),
    (woaas.GoneError, NOT_FOUND),
    (woaas.AuthenticationError, NOT_ALLOWED),
    (woaas.PermissionDeniedError, NOT_ALLOWED),
    (woaas.ConfigurationError, NOT_ALLOWED),
    (woaas.ConflictError, CONFLICT),
    (woaas.PreconditionFailedError, CONFLICT),
    (woaas.WoaasError, FAILED),
    (OSError, USAGE),
    (ValueError, USAGE),
)
"""The first that fits counts."""


def explain(error: Exception) -> tuple[str, int] | None:
    """A failure as people read it and its exit code; None for one that is a mistake of this program."""
    code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), None)
    return None if code is None else (_text(error), code)


def _text(error: Exception) -> str:
    if isinstance(error, woaas.ConfigurationError):
        return f"{error}, or run `woaas login`"
    if isinstance(error, woaas.APIError) and error.allowed_commands:
        return f"{error}\n  allowed now: {', '.join(error.allowed_commands)}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
