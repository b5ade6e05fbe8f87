"""Who comes back from an identity provider: known, new, or not to be let in."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.errors import DomainError
from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id, uuid7
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.identity import events as identity_events
from woaas_security.identity import members
from woaas_security.identity import repository as identity
from woaas_security.identity.one_time import Purpose, mint
from woaas_security.identity.service import SSO, Authenticator, Origin, SignedIn
from woaas_security.sso import events, repository

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

ANSWER_LIFE = timedelta(minutes=10)


class NotAdmitted(DomainError):
    """The provider knows him, we do not let him in; ``detail`` says why."""

    code = "sso_not_admitted"
    title = "You cannot sign in this way"
    status = 403
    hint = "Sign in with your password, or ask an owner to invite you."


class Claims(NamedTuple):
    """What a provider says of a person; ``groups`` are the values of the claim that stands for roles."""

    subject: str
    email: str
    is_verified: bool
    name: str
    groups: tuple[str, ...] = ()
    # When the provider asked him who he is, if it says so: seconds since 1970.
    authenticated_at: float | None = None


async def arrive(
    uow: "UnitOfWork",
    authenticator: Authenticator,
    connection: "Record",
    claims: Claims,
    answers: Sequence[str],
    origin: Origin,
    language: str = "en",
) -> SignedIn:
    """Start the session of whom a provider has named; who is new becomes a member with the connection's roles.

    A person is known by the provider's subject alone. An address is believed only once, to find or make the member
    that it is, and only if the provider has verified it and its domain is the tenant's. ``answers`` tell this answer
    from others of the provider: each counts once.

    A refusal is recorded, so whoever catches it lets the transaction commit.

    Raises:
        NotAdmitted: he is shut out, an owner, known otherwise, or his address is not of a verified domain.
    """
    uow.actor = Actor("system", "sso")
    try:
        for answer in answers:
            if not await _is_first(uow, authenticator, connection, answer):
                raise _refused("This answer of the identity provider was used before.")
        user_id = await repository.user_of(uow, connection["id"], claims.subject)
        user_id = user_id or await _enrol(uow, connection, claims, language)
        await _admit(uow, user_id, connection, claims)
        return await authenticator.start_session(uow, user_id, origin, method=SSO)
    except NotAdmitted as error:
        _record(uow, connection, error.detail)
        raise


async def confirm(
    uow: "UnitOfWork",
    authenticator: Authenticator,
    connection: "Record",
    claims: Claims,
    answers: Sequence[str],
    user_id: UUID,
    bound_to: str,
) -> str:
    """A proof that a provider has just named a user once more; it holds for what it is ``bound_to``, once.

    A refusal is recorded, as in ``arrive``.

    Raises:
        NotAdmitted: it named somebody else, or he is shut out.
    """
    uow.actor = Actor("system", "sso")
    try:
        for answer in answers:
            if not await _is_first(uow, authenticator, connection, answer):
                raise _refused("This answer of the identity provider was used before.")
        user = await identity.user(uow, user_id)
        if user is None or not _is_let(uow, user, members.ACTIVE):
            raise _refused("Your membership has been suspended or has ended.")
        if await repository.user_of(uow, connection["id"], claims.subject) != user_id:
            raise _refused("Your identity provider named somebody else than you.")
    except NotAdmitted as error:
        _record(uow, connection, error.detail)
        raise
    return await mint(uow, authenticator.keyring, user_id, Purpose.PROOF, bound_to)


async def refuse(
    uow: "UnitOfWork", authenticator: Authenticator, connection: "Record", answer: str, reason: str
) -> None:
    """Put on record that an answer could not be believed; what began with it is over, and told once."""
    uow.actor = Actor("system", "sso")
    if await _is_first(uow, authenticator, connection, answer):
        _record(uow, connection, reason)


def _record(uow: "UnitOfWork", connection: "Record", reason: str) -> None:
    uow.record(events.SIGN_IN_REFUSED, subject=encode_id("sso", connection["id"]), data={"reason": reason})


async def _is_first(uow: "UnitOfWork", authenticator: Authenticator, connection: "Record", answer: str) -> bool:
    digest = authenticator.keyring.digest("sso-answer", f"{connection['id']}:{answer}")
    return await repository.take_answer(uow, digest, uow.clock.now() + ANSWER_LIFE)


async def _admit(uow: "UnitOfWork", user_id: UUID, connection: "Record", claims: Claims) -> None:
    user = await identity.user(uow, user_id)
    if user is None or not _is_let(uow, user, members.ACTIVE):
        raise _refused("Your membership has been suspended or has ended.")
    roles = _roles(connection, claims.groups)
    if connection["role_claim"] is None or OWNER_ROLE in user["roles"] or sorted(user["roles"]) == roles:
        return
    values = {n: user[n] for n in (*identity.GIVEN, "state")}
    row = await identity.update_user(uow, user_id, {**values, "roles": roles})
    uow.record(
        identity_events.MEMBER_CHANGED,
        subject=encode_id("usr", user_id),
        version=(user["version"], row["version"]),
        data={"roles": roles},
        changes={"roles": roles},
    )


async def _enrol(uow: "UnitOfWork", connection: "Record", claims: Claims, language: str) -> UUID:
    """The member that an unknown subject is, or becomes."""
    domain = claims.email.rpartition("@")[2]
    if domain not in connection["verified_domains"] or not claims.is_verified:
        raise _refused("Your address is not one that your organisation's sign-in may vouch for.")
    known = await identity.user_by_email(uow, claims.email)
    user_id = known["id"] if known else await _join(uow, connection, claims, language)
    if known is not None:
        await _link_known(uow, known)
    await repository.link(uow, connection["id"], claims.subject, user_id)
    data = {"connection": encode_id("sso", connection["id"])}
    uow.record(events.IDENTITY_LINKED, subject=encode_id("usr", user_id), data=data)
    return user_id


async def _link_known(uow: "UnitOfWork", known: "Record") -> None:
    """Let an address open the account of its member: of nobody who is shut out, an owner, or known to a provider."""
    if not _is_let(uow, known, members.ACTIVE, members.INVITED):
        raise _refused("Your membership has been suspended or has ended.")
    if OWNER_ROLE in known["roles"]:
        raise _refused("Owners sign in with their password.")
    if await repository.is_linked(uow, known["id"]):
        raise _refused("Your identity provider knows you as somebody else than before.")
    if known["state"] == members.INVITED:
        await members.end_access(uow, known["id"])
        row = await identity.activate(uow, known["id"], None)
        assert row is not None
        version = (known["version"], row["version"])
        uow.record(identity_events.MEMBER_JOINED, subject=encode_id("usr", known["id"]), version=version)


async def _join(uow: "UnitOfWork", connection: "Record", claims: Claims, language: str) -> UUID:
    user_id, roles = uuid7(), _roles(connection, claims.groups)
    values = {
        "id": user_id,
        "email": claims.email,
        "name": claims.name or claims.email,
        "roles": roles,
        "customer": None,
        "scope": {},
        "language": language,
        "state": members.ACTIVE,
        "email_verified_at": uow.clock.now(),
    }
    await identity.insert_user(uow, values)
    subject = encode_id("usr", user_id)
    uow.record(identity_events.MEMBER_JOINED, subject=subject, version=(None, 1), data={"roles": roles})
    return user_id


def _is_let(uow: "UnitOfWork", user: "Record", *states: str) -> bool:
    return user["state"] in states and (user["access_until"] is None or user["access_until"] > uow.clock.now())


def _roles(connection: "Record", groups: Iterable[str]) -> list[str]:
    """The roles that a person's groups stand for; the connection's own where none does."""
    mapped = {connection["role_map"][group] for group in groups if group in connection["role_map"]}
    return sorted(mapped or connection["roles"])


def _refused(detail: str) -> NotAdmitted:
    return NotAdmitted(detail)
