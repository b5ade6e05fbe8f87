"""Pages that go on by themselves: iterate one and the next is fetched when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from . import _wire
from ._modes import Async, Sync
from ._request import Request, json_object
from ._transport import AsyncExecutor, AsyncRawExecutor, Executor, RawExecutor, SyncExecutor

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list before it is fetched: where, with which filters, and what its items are."""

    path: str
    item: Callable[[dict[str, object]], T]
    query: Mapping[str, str]

    def request(self) -> Request[tuple[list[T], str | None]]:
        """The call for the page the query names."""
        return Request("GET", self.path, self._decode, query=self.query)

    def at(self, cursor: str) -> Listing[T]:
        """The same list from a cursor on."""
        return replace(self, query={**self.query, "cursor": cursor})

    def items(self, response: httpx2.Response) -> list[T]:
        """The items of one page's response."""
        return self._decode(response)[0]

    def _decode(self, response: httpx2.Response) -> tuple[list[T], str | None]:
        document = json_object(response)
        data = document.get("data")
        cursor = document.get("next_cursor")
        rows = data if isinstance(data, list) else []
        return [self.item(row) for row in rows], None if cursor is None else str(cursor)


def listing_of(
    path: str, item: Callable[[dict[str, object]], T], filters: Mapping[str, object] | None = None
) -> Listing[T]:
    """A list of `item`s; filters as `_wire.query` reads them."""
    return Listing(path, item, _wire.query(filters or {}))


class _PageData(Generic[T]):
    """What one page holds."""

    def __init__(self, listing: Listing[T], data: list[T], next_cursor: str | None) -> None:
        self._listing = listing
        self.data = data
        self.next_cursor = next_cursor

    @property
    def has_next(self) -> bool:
        """Whether the service has more."""
        return self.next_cursor is not None

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.data)} items, next_cursor={self.next_cursor!r})"


class Page(_PageData[T]):
    """One page; iterating goes through it and every page after it."""

    _executor: SyncExecutor[Sync]

    def next_page(self) -> Page[T] | None:
        """The page after this one, or None."""
        return None if self.next_cursor is None else _fetch(self._executor, self._listing.at(self.next_cursor))

    def pages(self) -> Iterator[Page[T]]:
        """This page and those after it."""
        page: Page[T] | None = self
        while page is not None:
            yield page
            page = page.next_page()

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data


class AsyncPage(_PageData[T]):
    """One page; iterating with `async for` goes through it and every page after it."""

    _executor: AsyncExecutor[Async]

    async def next_page(self) -> AsyncPage[T] | None:
        """The page after this one, or None."""
        return (
            None if self.next_cursor is None else await _fetch_async(self._executor, self._listing.at(self.next_cursor))
        )

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        page: AsyncPage[T] | None = self
        while page is not None:
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item


class AsyncPages(Generic[T]):
    """A list not fetched yet: `await` it for the first page, or `async for` over all items."""

    def __init__(self, executor: AsyncExecutor[Async], listing: Listing[T]) -> None:
        self._executor = executor
        self._listing = listing

    def __await__(self) -> Generator[object, None, AsyncPage[T]]:
        return cast("Generator[object, None, AsyncPage[T]]", _fetch_async(self._executor, self._listing).__await__())

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await _fetch_async(self._executor, self._listing):
            yield item


def open_pages(executor: Executor[object], listing: Listing[T]) -> object:
    """The first page in the executor's mode; raw modes answer the response of that one page."""
    if isinstance(executor, RawExecutor | AsyncRawExecutor):
        return executor.perform(Request("GET", listing.path, listing.items, query=listing.query))
    if isinstance(executor, AsyncExecutor):
        return AsyncPages(cast("AsyncExecutor[Async]", executor), listing)
    return _fetch(cast("SyncExecutor[Sync]", executor), listing)


def _fetch(executor: SyncExecutor[Sync], listing: Listing[T]) -> Page[T]:
    page = Page(listing, *executor.run(executor.exchange(listing.request())))
    page._executor = executor  # noqa: SLF001
    return page


async def _fetch_async(executor: AsyncExecutor[Async], listing: Listing[T]) -> AsyncPage[T]:
    page = AsyncPage(listing, *await executor.run(executor.exchange(listing.request())))
    page._executor = executor  # noqa: SLF001
    return page
