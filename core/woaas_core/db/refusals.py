"""What a caller is told when the database refuses: nothing of SQL, constraints or values passes through."""

import asyncpg

from woaas_core.errors import Conflict, DomainError, IdempotencyInProgress, Internal, Invalid

# What the data of a request may provoke; anything else is a defect or an outage.
FORESEEN = (DomainError, asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, OverflowError)


def as_domain_error(error: BaseException) -> DomainError:  # noqa: PLR0911 - a table of cases
    """The error of the catalogue for any exception; what nobody foresaw is ``Internal``."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, asyncpg.UniqueViolationError):
        name = getattr(error, "constraint_name", None) or ""
        if name == "pk_idempotency":
            return IdempotencyInProgress()
        if name.endswith("_external_ref"):
            return IdempotencyInProgress("This external_ref is being entered by another request; repeat this one.")
        return Conflict("An object with this reference was just made; read it and decide anew.")
    if isinstance(error, asyncpg.DataError | OverflowError):
        return Invalid("A value is out of range.")
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return IdempotencyInProgress("Two requests met on the same objects; repeat this one.")
    return Internal()
