"""Handles of background work: polling, failing, following events, downloading."""

import asyncio
import hashlib
import json

import httpx2
import pytest

import woaas
from woaas import AsyncClient, Client
from woaas._transport import AsyncExecutor, SyncExecutor

RUN = {"id": "run_1", "status": "queued"}


def client_of(handler):
    return Client("k", "http://woaas.test", http_client=httpx2.Client(transport=httpx2.MockTransport(handler)))


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    taken = []

    async def pause(self, seconds):
        taken.append(seconds)

    monkeypatch.setattr(SyncExecutor, "pause", lambda self, seconds: taken.append(seconds))
    monkeypatch.setattr(AsyncExecutor, "pause", pause)
    return taken


def answering(*documents):
    """A service that answers the documents in turn, the last one for ever."""
    left = list(documents)
    return lambda request: httpx2.Response(200, json=left.pop(0) if len(left) > 1 else left[0])


class TestWaiting:
    def test_wait_returns_the_handle_brought_up_to_date(self, pauses):
        seen = []
        solving = {**RUN, "status": "solving", "objective": 40.0}
        finished = {**RUN, "status": "finished", "objective": 31.5, "schedule_id": "sch_1"}
        client = client_of(answering(RUN, solving, solving, finished))
        run = client.schedule_runs.create(policy="on_time", time_limit=20)
        assert run.wait(on_progress=lambda state: seen.append((state.status, state.objective))) is run
        assert seen == [("solving", 40.0), ("finished", 31.5)]
        assert run.schedule_id == "sch_1"
        assert run.is_ended
        assert pauses == sorted(pauses)

    def test_a_failed_run_raises_with_its_reason(self):
        client = client_of(answering(RUN, {**RUN, "status": "failed", "error": {"detail": "no machine can turn"}}))
        with pytest.raises(woaas.RunFailedError, match="no machine can turn"):
            client.schedule_runs.create().wait()

    def test_waiting_can_be_limited(self):
        with pytest.raises(woaas.WaitTimeoutError, match="still queued"):
            client_of(answering(RUN)).schedule_runs.create().wait(timeout=0)

    def test_stop_names_the_run(self):
        paths = []

        def handler(request):
            paths.append((request.method, request.url.path))
            return httpx2.Response(200, json=RUN)

        client_of(handler).schedule_runs.get("run_1").stop()
        assert paths[-1] == ("POST", "/v1/schedule-runs/run_1/stop")

    def test_async_handles_are_awaited(self):
        async def solve():
            http = httpx2.AsyncClient(transport=httpx2.MockTransport(answering(RUN, {**RUN, "status": "finished"})))
            async with AsyncClient("k", "http://woaas.test", http_client=http) as client:
                run = await client.solve({"jobs": []})
                return (await run.wait()).status

        assert asyncio.run(solve()) == "finished"


class TestEvents:
    def test_a_broken_stream_is_taken_up_after_the_last_event(self):
        opened = []

        def handler(request):
            if not request.url.path.endswith("/events"):
                return httpx2.Response(200, json=RUN)
            opened.append(request.headers.get("last-event-id"))
            first = 'id: 1\ndata: {"status": "solving"}\n\n: comment\n\n'
            second = 'id: 2\ndata: {"status": "finished"}\n\nid: 3\ndata: {"status": "after"}\n\n'
            return httpx2.Response(
                200, text=first if len(opened) == 1 else second, headers={"content-type": "text/event-stream"}
            )

        events = list(client_of(handler).schedule_runs.get("run_1").events())
        assert [event.status for event in events] == ["solving", "finished"]
        assert opened == [None, "1"]

    def test_a_stream_that_keeps_breaking_is_given_up(self):
        def handler(request):
            if request.url.path.endswith("/events"):
                raise httpx2.ReadError("gone")
            return httpx2.Response(200, json=RUN)

        with pytest.raises(woaas.APIConnectionError):
            list(client_of(handler).schedule_runs.get("run_1").events())


class TestAuditExport:
    BUNDLE = b"PK" + bytes(range(256)) * 300

    def service(self, digest):
        self.requests = []

        def handler(request):
            self.requests.append(request)
            if request.url.path.endswith("/download"):
                return httpx2.Response(200, content=self.BUNDLE)
            return httpx2.Response(200, json={"id": "exp_1", "status": "finished", "sha256": digest})

        return client_of(handler)

    def test_export_wait_download(self, tmp_path):
        client = self.service(hashlib.sha256(self.BUNDLE).hexdigest())
        path = client.audit.export(since=0, until=7).wait().download(tmp_path / "bundle.zip")
        assert path.read_bytes() == self.BUNDLE
        assert json.loads(self.requests[0].content) == {"from": 0, "to": 7}
        assert [file.name for file in tmp_path.iterdir()] == ["bundle.zip"]

    def test_a_download_that_broke_off_goes_on_from_there(self, tmp_path, monkeypatch):
        monkeypatch.setattr("woaas.resources.audit._PART_BYTES", 30_000)
        asked = []

        def handler(request):
            if not request.url.path.endswith("/download"):
                digest = hashlib.sha256(self.BUNDLE).hexdigest()
                return httpx2.Response(200, json={"id": "exp_1", "status": "finished", "sha256": digest})
            asked.append(request.headers["range"])
            first, last = (int(n) for n in asked[-1].removeprefix("bytes=").split("-"))
            if len(asked) == 2:
                return httpx2.Response(404, json={"code": "not_found", "title": "t", "status": 404})
            part = self.BUNDLE[first : last + 1]
            span = f"bytes {first}-{first + len(part) - 1}/{len(self.BUNDLE)}"
            return httpx2.Response(206, content=part, headers={"Content-Range": span})

        run = client_of(handler).audit.export().wait()
        with pytest.raises(woaas.NotFoundError):
            run.download(tmp_path / "bundle.zip")
        assert not (tmp_path / "bundle.zip").exists()
        assert run.download(tmp_path / "bundle.zip").read_bytes() == self.BUNDLE
        assert asked == ["bytes=0-29999", "bytes=30000-59999", "bytes=30000-59999", "bytes=60000-89999"]
        assert [file.name for file in tmp_path.iterdir()] == ["bundle.zip"]

    def test_a_wrong_digest_leaves_no_file(self, tmp_path):
        with pytest.raises(woaas.DownloadError):
            self.service("00" * 32).audit.export().wait().download(tmp_path / "bundle.zip")
        assert list(tmp_path.iterdir()) == []

    def test_async(self, tmp_path):
        async def export():
            http = httpx2.AsyncClient(
                transport=httpx2.MockTransport(
                    lambda request: (
                        httpx2.Response(200, content=self.BUNDLE)
                        if request.url.path.endswith("/download")
                        else httpx2.Response(200, json={"id": "exp_1", "status": "finished"})
                    )
                )
            )
            client = AsyncClient("k", "http://woaas.test", http_client=http)
            run = await (await client.audit.export()).wait()
            return await run.download(tmp_path / "bundle.zip")

        assert asyncio.run(export()).read_bytes() == self.BUNDLE
