"""Subscriptions over the graphql-transport-ws protocol (github.com/enisdenjo/graphql-ws, PROTOCOL.md).

A connection holds no database connection while it waits: each look opens a transaction and authenticates anew.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from graphql import GraphQLError
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from strawberry.types.execution import PreExecutionError

from woaas_api.edge import Edge
from woaas_api.subjects import RESOURCES, SUBJECTS
from woaas_core.db.turns import take_turns
from woaas_core.errors import DomainError, Unauthenticated
from woaas_core.ids import encode_id, uuid7
from woaas_graphql.context import Context, Session
from woaas_graphql.errors import formatted
from woaas_graphql.execution import GraphQLRequest
from woaas_graphql.schema import schema
from woaas_security.identity.reauthentication import Prover
from woaas_security.identity.service import Origin

PROTOCOL = "graphql-transport-ws"
MAX_SUBSCRIPTIONS = 20
_INIT_WITHIN_S = 10.0

_BAD_REQUEST = 4400
_UNAUTHORIZED = 4401
_FORBIDDEN = 4403
_BAD_PROTOCOL = 4406
_INIT_LATE = 4408
_SUBSCRIBER_EXISTS = 4409
_TOO_MANY = 4429


class Message(msgspec.Struct, omit_defaults=True):
    """A message of the protocol, either way."""

    type: str
    id: str | None = None
    payload: Any = None


class _Closed(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def socket_handler(path: str, edge: Edge) -> WebsocketRouteHandler:
    """The handler of the path's WebSocket."""

    async def converse(socket: WebSocket[Any, Any, Any]) -> None:
        if PROTOCOL not in socket.scope.get("subprotocols", []):
            await socket.close(code=_BAD_PROTOCOL, reason="Subprotocol not acceptable")
            return
        await socket.accept(subprotocols=PROTOCOL)
        try:
            async with asyncio.TaskGroup() as tasks:
                await _Conversation(socket, edge, tasks).run()
        except* _Closed as closed:
            first = closed.exceptions[0]
            assert isinstance(first, _Closed)
            await socket.close(code=first.code, reason=first.reason)
        except* WebSocketDisconnect:
            pass

    return WebsocketRouteHandler(path)(converse)


class _Conversation:
    """One client: it introduces itself, subscribes, and leaves."""

    def __init__(self, socket: WebSocket[Any, Any, Any], edge: Edge, tasks: asyncio.TaskGroup) -> None:
        self._socket = socket
        self._edge = edge
        self._tasks = tasks
        self._token = ""
        self._address = socket.client.host if socket.client else ""
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            await self._introduction()
            while True:
                await self._answer(await self._receive())
        finally:
            for task in self._running.values():
                task.cancel()

    async def _introduction(self) -> None:
        try:
            async with asyncio.timeout(_INIT_WITHIN_S):
                message = await self._receive()
        except TimeoutError:
            raise _Closed(_INIT_LATE, "Connection initialisation timeout") from None
        if message.type != "connection_init":
            raise _Closed(_UNAUTHORIZED, "Unauthorized")
        payload = message.payload if isinstance(message.payload, dict) else {}
        given = {str(name).lower(): value for name, value in payload.items()}
        self._token = str(given.get("authorization", "")).removeprefix("Bearer ").strip()
        try:
            async with self._context():
                pass
        except DomainError:
            raise _Closed(_FORBIDDEN, "Forbidden") from None
        await self._send(Message("connection_ack"))

    async def _answer(self, message: Message) -> None:
        match message:
            case Message(type="ping"):
                await self._send(Message("pong", payload=message.payload))
            case Message(type="pong"):
                pass
            case Message(type="subscribe", id=str(key)):
                self._subscribe(key, message.payload)
            case Message(type="complete", id=str(key)):
                if (task := self._running.pop(key, None)) is not None:
                    task.cancel()
            case Message(type="connection_init"):
                raise _Closed(_TOO_MANY, "Too many initialisation requests")
            case _:
                raise _Closed(_BAD_REQUEST, f"Unexpected message {message.type!r}")

    def _subscribe(self, key: str, payload: Any) -> None:
        if key in self._running:
            raise _Closed(_SUBSCRIBER_EXISTS, f"Subscriber for {key} already exists")
        if len(self._running) >= MAX_SUBSCRIPTIONS:
            raise _Closed(_TOO_MANY, "Too many subscriptions on one connection")
        try:
            request = msgspec.convert(payload, GraphQLRequest)
        except msgspec.ValidationError as error:
            raise _Closed(_BAD_REQUEST, str(error)) from None
        if not request.query:
            raise _Closed(_BAD_REQUEST, "Send a query.")
        self._running[key] = self._tasks.create_task(self._follow(key, request))

    async def _follow(self, key: str, request: GraphQLRequest) -> None:
        request_id = encode_id("req", uuid7())
        try:
            results = await schema().subscribe(
                request.query,
                variable_values=request.variables,
                operation_name=request.operation_name,
                context_value=Session(self._context, self._edge.run_notices),
            )
            if isinstance(results, PreExecutionError):
                await self._fail(key, results.errors or [], request_id)
                return
            async for result in results:
                if result.errors:
                    await self._fail(key, result.errors, request_id)
                    return
                await self._send(Message("next", key, {"data": result.data}))
            await self._send(Message("complete", key))
        finally:
            self._running.pop(key, None)

    async def _fail(self, key: str, errors: list[GraphQLError], request_id: str) -> None:
        await self._send(Message("error", key, [formatted(e, request_id=request_id) for e in errors]))

    @asynccontextmanager
    async def _context(self) -> AsyncIterator[Context]:
        async with self._edge.database.unit_of_work() as uow:
            if not self._token:
                raise Unauthenticated
            principal = await self._edge.authenticator.by_bearer(uow, self._token, self._address)
            take_turns(uow)
            prover = Prover(self._edge.authenticator.keyring, Origin(self._address))
            yield Context(uow, principal, prover, self._edge.cursors, SUBJECTS, RESOURCES, "")

    async def _receive(self) -> Message:
        text = await self._socket.receive_data(mode="text")
        try:
            return msgspec.json.decode(text, type=Message)
        except msgspec.DecodeError:
            raise _Closed(_BAD_REQUEST, "Messages are JSON objects with a type") from None

    async def _send(self, message: Message) -> None:
        await self._socket.send_text(msgspec.json.encode(message).decode())
