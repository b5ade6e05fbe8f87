"""What a caller is told when the database refuses: nothing of SQL, constraints or values passes through."""

import asyncpg

from woaas_core.errors import Conflict, DomainError, IdempotencyInProgress, Internal, Invalid


def as_domain_error(error: BaseException) -> DomainError:
    """The error of the catalogue for any exception; what nobody foresaw is ``Internal``."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, asyncpg.UniqueViolationError):
        if getattr(error, "constraint_name", "") == "pk_idempotency":
            return IdempotencyInProgress()
        return Conflict("An object with this reference was just made; read it and decide anew.")
    if isinstance(error, asyncpg.DataError | OverflowError):
        return Invalid("A value is out of range.")
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return IdempotencyInProgress("Two requests met on the same objects; repeat this one.")
    return Internal()
