"""Python client of WOaaS: work orders as a service.

    from woaas import Client

    client = Client()  # WOAAS_API_KEY, WOAAS_BASE_URL
    order = client.work_orders.create(product="CABLE-HEAD", quantity=10)
    client.work_orders.release(order.id)

`woaas.webhooks` checks webhooks, `woaas.audit` verifies an exported log without the service.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from ._client import AsyncClient, Client
from ._errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DownloadError,
    FieldProblem,
    GoneError,
    GraphQLError,
    NotFoundError,
    NotReadyError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitError,
    ResponseFormatError,
    RunFailedError,
    ServerError,
    UnprocessableEntityError,
    UnsupportedMediaTypeError,
    WaitTimeoutError,
    WebhookVerificationError,
    WoaasError,
)
from ._models import Model, Money
from ._pagination import AsyncPage, Page
from ._request import RawResponse
from ._version import __version__

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncPage",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "DownloadError",
    "FieldProblem",
    "GoneError",
    "GraphQLError",
    "Model",
    "Money",
    "NotFoundError",
    "NotReadyError",
    "Page",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitError",
    "RawResponse",
    "ResponseFormatError",
    "RunFailedError",
    "ServerError",
    "UnprocessableEntityError",
    "UnsupportedMediaTypeError",
    "WaitTimeoutError",
    "WebhookVerificationError",
    "WoaasError",
    "__version__",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        """`woaas.audit` and `woaas.webhooks` are loaded when they are first used."""
        if name in {"audit", "webhooks"}:
            return importlib.import_module(f"woaas.{name}")
        raise AttributeError(f"module 'woaas' has no attribute {name!r}")
