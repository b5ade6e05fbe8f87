"""`client.attachments`, `client.search` and `client.exports` against the app behind a socket, in both modes."""

import asyncio
import base64
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fixtures.live_app import LiveApp

import woaas
from woaas import AsyncClient, Client
from woaas.types.work_orders import WorkOrder

# Longer than a part of the service's, so that it comes in several.
DRAWING = b"%PDF-1.7\n" + bytes(range(256)) * 5_000


@pytest.fixture
def owner(live_app: LiveApp) -> Iterator[Client]:
    with Client(live_app.keys["owner"], live_app.url) as client:
        yield client


@pytest.fixture
def operator(live_app: LiveApp) -> Iterator[Client]:
    with Client(live_app.keys["operator"], live_app.url) as client:
        yield client


@pytest.fixture
def order(owner: Client) -> WorkOrder:
    """A released order with one operation."""
    return owner.work_orders.create(product="GEAR", quantity=1, operations=[{"name": "turn"}], release=True)


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    file = tmp_path / "图纸 1.pdf"
    file.write_bytes(DRAWING)
    return file


def test_a_file_goes_up_comes_back_and_is_taken_away(
    owner: Client, order: WorkOrder, drawing: Path, tmp_path: Path
) -> None:
    made = owner.attachments.upload(order.id, drawing, access_class="drawing")
    assert (made.name, made.version, made.media_type) == ("图纸 1.pdf", 1, "application/pdf")
    assert (made.size_bytes, made.sha256) == (len(DRAWING), hashlib.sha256(DRAWING).hexdigest())
    saved = owner.attachments.download(made.id, tmp_path / "saved.pdf")
    assert saved.read_bytes() == DRAWING
    again = owner.attachments.upload(order.id, drawing, access_class="drawing")
    note = owner.attachments.upload(order.operations[0].id, b"a;b\n1;2\n", name="measured.csv")
    assert (again.version, note.media_type, note.operation_id) == (2, "text/csv", order.operations[0].id)
    listed = owner.attachments.list(work_order_id=order.id, state="current")
    assert [one.id for one in listed] == [note.id, again.id]
    assert owner.attachments.get(made.id).state == "superseded"
    removed = owner.attachments.remove(again.id, reason="the wrong one")
    assert (removed.state, removed.removed_at is not None) == ("removed", True)
    with pytest.raises(woaas.APIError) as refused:
        owner.attachments.download(again.id, tmp_path / "gone.pdf")
    assert refused.value.status == 410
    assert sorted(file.name for file in tmp_path.iterdir()) == ["saved.pdf", "图纸 1.pdf"]


def test_who_does_not_read_a_class_sees_nothing_of_its_files(
    owner: Client, operator: Client, order: WorkOrder, tmp_path: Path
) -> None:
    secret = owner.attachments.upload(order.id, b"cost", name="cost.txt", access_class="confidential")
    drawn = owner.attachments.upload(order.id, b"drawn", name="drawn.txt", access_class="drawing")
    own = operator.attachments.upload(order.id, b"seen", name="seen.txt")
    assert [one.name for one in operator.attachments.list(work_order_id=order.id)] == ["seen.txt", "drawn.txt"]
    assert operator.attachments.download(drawn.id, tmp_path / "drawn.txt").read_bytes() == b"drawn"
    assert owner.attachments.get(own.id).access_class == "general"
    for asked in (operator.attachments.get, lambda id: operator.attachments.download(id, tmp_path / "cost.txt")):
        with pytest.raises(woaas.NotFoundError):
            asked(secret.id)
    assert not (tmp_path / "cost.txt").exists()
    with pytest.raises(woaas.APIError) as refused:
        operator.attachments.upload(order.id, b"mine", name="mine.txt", access_class="drawing")
    assert (refused.value.status, refused.value.code) == (403, "field_forbidden")


@pytest.mark.parametrize("name", ["measured.csv.gz", "unknown.woaas"])
def test_a_name_that_tells_no_media_type_is_no_obstacle(
    owner: Client, order: WorkOrder, tmp_path: Path, name: str
) -> None:
    packed = gzip.compress(b"a;b\n1;2\n")
    made = owner.attachments.upload(order.id, packed, name=name)
    assert owner.attachments.download(made.id, tmp_path / name).read_bytes() == packed


def test_what_is_not_what_its_name_says_is_refused(owner: Client, order: WorkOrder) -> None:
    with pytest.raises(woaas.UnprocessableEntityError) as refused:
        owner.attachments.upload(order.id, b"GIF89a", name="photo.png")
    assert [one.code for one in refused.value.errors] == ["media_type_mismatch"]


def test_a_download_that_is_not_what_was_said_leaves_nothing(tmp_path: Path) -> None:
    said = {"Repr-Digest": "sha-256=:" + base64.b64encode(hashlib.sha256(b"one").digest()).decode() + ":"}
    for content, headers in ((b"two", said), (b"one", {})):
        answer = httpx2.Response(200, content=content, headers=headers)
        http = httpx2.Client(transport=httpx2.MockTransport(lambda _, answer=answer: answer))
        with pytest.raises(woaas.DownloadError):
            Client("k", "http://woaas.test", http_client=http).attachments.download("att_1", tmp_path / "a.txt")
        assert list(tmp_path.iterdir()) == []


def test_a_masked_hash_is_no_obstacle_to_a_download(
    owner: Client, operator: Client, order: WorkOrder, tmp_path: Path
) -> None:
    made = owner.attachments.upload(order.id, b"one", name="a.txt")
    policy = owner.field_policies.create(resource="attachment", field="sha256", role="operator", access="masked")
    try:
        seen = operator.attachments.get(made.id)
        assert (seen.sha256, seen.masked_fields) == (None, ["/sha256"])
        assert operator.attachments.download(made.id, tmp_path / "a.txt").read_bytes() == b"one"
    finally:
        owner.field_policies.delete(policy.id)


def test_the_same_awaited(live_app: LiveApp, order: WorkOrder, drawing: Path, tmp_path: Path) -> None:
    async def go() -> None:
        async with AsyncClient(live_app.keys["owner"], live_app.url) as client:
            made = await client.attachments.upload(order.id, drawing, access_class="quality", idempotency_key=order.id)
            same = await client.attachments.upload(order.id, drawing, access_class="quality", idempotency_key=order.id)
            assert (same.id, same.version) == (made.id, 1)
            assert (await client.attachments.get(made.id)).name == drawing.name
            assert [one.id async for one in client.attachments.list(work_order_id=order.id)] == [made.id]
            saved = await client.attachments.download(made.id, tmp_path / "saved.pdf")
            assert saved.read_bytes() == DRAWING
            assert (await client.attachments.remove(made.id)).state == "removed"

    asyncio.run(go())


def test_a_search_and_an_export_block(owner: Client, operator: Client, order: WorkOrder) -> None:
    found = owner.search(order.number or "", kinds=["work_order", "operation"])
    assert [(hit.kind, hit.id, hit.state) for hit in found.data] == [("work_order", order.id, "released")]
    assert found.facets.to_dict() == {"kind": {"work_order": 1}, "state": {"released": 1}}
    with pytest.raises(woaas.BadRequestError):
        owner.search("a", kinds=["nothing"])
    asked = owner.exports.create("work_orders", format="csv", filter={"state": "released"}, fields=["number"])
    assert (asked.status, asked.format, asked.is_ended) == ("queued", "csv", False)
    assert [one.id for one in owner.exports.list(status="queued")] == [asked.id]
    asked.stop()
    stopped = asked.wait()
    assert (stopped.status, owner.exports.get(asked.id).status) == ("stopped", "stopped")
