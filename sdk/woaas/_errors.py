"""What can go wrong: one class per status of the service, and a few of the client's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import httpx2


class WoaasError(Exception):
    """Base of every error this library raises."""


class ConfigurationError(WoaasError):
    """The client cannot be built: no key, or an address that is none."""


class APIConnectionError(WoaasError):
    """The service did not answer, after all retries."""


class APITimeoutError(APIConnectionError):
    """The service did not answer in time, after all retries."""


class ResponseFormatError(WoaasError):
    """An answer that is not the JSON it should be: a proxy's page, or a body cut short."""


class RunFailedError(WoaasError):
    """A background run ended as `failed`; its message is the run's own."""

    def __init__(self, message: str, run_id: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class WaitTimeoutError(WoaasError):
    """A run did not end within the time given to `wait`; it goes on at the service."""


class DownloadError(WoaasError):
    """A downloaded file is not the one the service described."""


class WebhookVerificationError(WoaasError):
    """A webhook that is not signed with the secret, or is too old."""


class FieldProblem(msgspec.Struct, frozen=True):
    """One field a request got wrong; `pointer` is an RFC 6901 JSON Pointer into its body."""

    pointer: str = ""
    code: str = ""
    detail: str = ""


class APIError(WoaasError):
    """The service refused; `code` is stable and has a page in the catalogue, `detail` is for people."""

    def __init__(self, response: httpx2.Response, problem: Mapping[str, object]) -> None:
        self.response = response
        self.problem = problem
        self.status: int = response.status_code
        self.code = str(problem.get("code") or f"http_{response.status_code}")
        self.title = str(problem.get("title") or response.reason_phrase)
        self.detail = str(problem.get("detail") or "")
        self.request_id = str(problem.get("request_id") or response.headers.get("x-request-id", ""))
        self.errors = _field_problems(problem.get("errors"))
        super().__init__(self._text())

    @property
    def field(self) -> str | None:
        """The pointer of the first field at fault."""
        return self.errors[0].pointer if self.errors else None

    @property
    def state(self) -> str | None:
        """The state the object is in, when a command does not fit it."""
        state = self.problem.get("state")
        return None if state is None else str(state)

    @property
    def allowed_commands(self) -> tuple[str, ...]:
        """What may be done in that state by the caller."""
        commands = self.problem.get("allowed_commands")
        return tuple(str(command) for command in commands) if isinstance(commands, list) else ()

    def _text(self) -> str:
        text = f"{self.status} {self.code}: {self.detail or self.title}"
        for problem in self.errors:
            text += f"\n  {problem.pointer or '/'}: {problem.detail or problem.code}"
        return f"{text} (request {self.request_id})" if self.request_id else text


class BadRequestError(APIError):
    """400: the request is malformed, or names a field the caller cannot use."""


class AuthenticationError(APIError):
    """401: the key is missing, wrong or revoked."""


class PermissionDeniedError(APIError):
    """403: the caller may not do this."""


class NotFoundError(APIError):
    """404: no such thing, or not the caller's."""


class ConflictError(APIError):
    """409: the object's state does not allow it; see `state` and `allowed_commands`."""


class GoneError(APIError):
    """410: a link that has expired."""


class PreconditionFailedError(APIError):
    """412: the object changed since the `ETag` was read."""


class PayloadTooLargeError(APIError):
    """413: the body is larger than the service takes."""


class UnsupportedMediaTypeError(APIError):
    """415: not a content type the endpoint takes."""


class UnprocessableEntityError(APIError):
    """422: fields of the body are wrong; see `errors`."""


class RateLimitError(APIError):
    """429: too many requests, still after the retries."""


class ServerError(APIError):
    """5xx: the service failed, still after the retries."""


class NotReadyError(ServerError):
    """503 `not_ready`: the effects of an earlier write are not in yet."""


class GraphQLError(WoaasError):
    """A GraphQL document answered with errors and no data."""

    def __init__(self, errors: list[Mapping[str, object]]) -> None:
        self.errors = errors
        extensions = errors[0].get("extensions") if errors else None
        self.code = str(extensions.get("code", "")) if isinstance(extensions, Mapping) else ""
        self.request_id = str(extensions.get("request_id", "")) if isinstance(extensions, Mapping) else ""
        super().__init__("; ".join(str(error.get("message", error)) for error in errors))


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    415: UnsupportedMediaTypeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def error_of(response: httpx2.Response) -> APIError:
    """The error an unsuccessful response stands for; bodies that are no problem document are tolerated."""
    try:
        problem = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        problem = None
    document: dict[str, object] = problem if isinstance(problem, dict) else {"detail": response.text[:200]}
    kind = _BY_STATUS.get(response.status_code)
    if kind is None and response.status_code >= 500:
        kind = NotReadyError if document.get("code") == "not_ready" else ServerError
    return (kind or APIError)(response, document)


def _field_problems(errors: object) -> list[FieldProblem]:
    if not isinstance(errors, list):
        return []
    try:
        return msgspec.convert(errors, list[FieldProblem], strict=False)
    except msgspec.ValidationError:
        return [FieldProblem(detail=str(error)) for error in errors]
