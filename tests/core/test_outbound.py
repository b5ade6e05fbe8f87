"""Addresses that tenants name: what is refused, and that the address connected to is the one that was judged."""

import asyncio
import datetime
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from woaas_core.errors import SSRFBlocked
from woaas_core.outbound.addresses import MQTT_PORTS, Outbound, guarded_address
from woaas_core.outbound.http import AnswerTooLarge, GuardedTransport, checked_url, outbound_client
from woaas_core.settings import Settings

pytestmark = pytest.mark.anyio

PUBLIC = Outbound()
HERE = Outbound.parse("127.0.0.1")
NAMES = {  # what hostile names resolve to
    "loopback.example": ["127.0.0.1"],
    "rfc1918.example": ["192.168.1.10"],
    "cloud.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "sixtofour.example": ["2002:7f00:1::"],
    "both.example": ["93.184.215.14", "10.0.0.7"],
    "six.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
    "ula.example": ["fd12:3456::1"],
    "public.example": ["93.184.215.14"],
}
LITERALS = (
    "127.0.0.1", "127.1", "127.0.1", "0.0.0.0", "0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254",
    "192.168.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0300.0250.0.1", "3232235521",
    "127.0.0.1.", "127.000.000.001", "00000177.0.0.1", "1.2.3", "256.256.256.256", "0x",
    "[::1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[fec0::1]",
    "[::ffff:0:127.0.0.1]",
)  # fmt: skip
CORPUS = (
    *(f"https://{host}/hook" for host in LITERALS),
    *(f"https://{name}/hook" for name in NAMES if name != "public.example"),
    "http://public.example/hook",
    "ftp://public.example/hook",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "unix:///var/run/docker.sock",
    "data:text/plain,hello",
    "jar:https://public.example!/",
    "//public.example/hook",
    "https:public.example",
    "https:///hook",
    "https://user:secret@public.example/hook",
    "https://public.example@127.0.0.1/hook",
    "https://127.0.0.1#@public.example/hook",
    "https://127.0.0.1%2f@public.example/hook",
    "https://public.example:22/hook",
    "https://public.example:25/hook",
    "https://public.example:80/hook",
    "https://public.example:0/hook",
    "https://public.example:6379/hook",
    "https://public.example:99999/hook",
    "https://localhost/hook",
    "https://LOCALHOST./hook",
    "https://db.internal/hook",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://printer.local/hook",
    "https://intranet/hook",
    "https://router.lan/hook",
    "https://nas.home.arpa/hook",
    "https://x.onion/hook",
    "https://１２７.0.0.1/hook",
    "https://①②⑦.⓪.⓪.①/hook",
    "https://127。0。0。1/hook",
    "https://ⓛocalhost/hook",
    "https://exa\u00admple.com/hook",
    "https://public.example\\@127.0.0.1/hook",
    "https://public.example\t/hook",
    "https://public.example\r\nHost: x/hook",
    "https://pub lic.example/hook",
    "https://-public.example/hook",
    "https://public..example/hook",
    "https://%31%32%37.0.0.1/hook",
    "https://" + "a" * 64 + ".example/hook",
    "https://public.example/" + "a" * 2_048,
    "https://[::1",
    "",
)  # fmt: skip

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def by_table(host: str, port: int) -> list[str]:
    return NAMES.get(host.rstrip("."), [])


def answering(answer: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return handle


def plain(body: bytes, *headers: str, status: str = "200 OK") -> Handler:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return answering("\r\n".join(lines).encode() + body)


@asynccontextmanager
async def listening(handle: Handler, ip: str = "127.0.0.1", port: int = 0, **options: object) -> AsyncIterator[int]:
    server = await asyncio.start_server(handle, ip, port, **options)  # type: ignore[arg-type]
    async with server:
        yield server.sockets[0].getsockname()[1]


class TestRefused:
    def test_there_are_more_than_sixty(self) -> None:
        assert len(set(CORPUS)) == len(CORPUS) >= 60

    @pytest.mark.parametrize("url", CORPUS)
    async def test_is_never_called(self, url: str) -> None:
        with pytest.raises(SSRFBlocked) as found:
            checked_url(url, PUBLIC)
            async with outbound_client(PUBLIC, resolve=by_table) as client:
                await client.post(url)
        assert (found.value.code, found.value.status) == ("ssrf_blocked", 422)

    @pytest.mark.parametrize("host", [*LITERALS, *NAMES])
    async def test_a_broker_there_neither(self, host: str) -> None:
        name = host.strip("[]").replace("%25", "%")
        if name == "public.example":
            assert (await guarded_address(name, 8883, outbound=PUBLIC, ports=MQTT_PORTS, resolve=by_table)).port == 8883
            return
        with pytest.raises(SSRFBlocked):
            await guarded_address(name, 8883, outbound=PUBLIC, ports=MQTT_PORTS, resolve=by_table)

    async def test_a_port_that_is_not_open_on_public_addresses(self) -> None:
        with pytest.raises(SSRFBlocked):
            await guarded_address("public.example", 1883, outbound=HERE, ports=MQTT_PORTS, resolve=by_table)

    async def test_a_name_without_an_address_is_a_failure_to_connect(self) -> None:
        async with outbound_client(PUBLIC, resolve=by_table) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("https://nobody.example/")

    async def test_plain_http_is_for_listed_networks(self) -> None:
        async with outbound_client(HERE, resolve=by_table) as client:
            with pytest.raises(SSRFBlocked):
                await client.get("http://public.example/")


class TestPinned:
    async def test_a_listed_network_is_reached(self) -> None:
        async with listening(plain(b"here")) as port, outbound_client(HERE, resolve=by_table) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).content == b"here"
            assert (await client.get(f"http://loopback.example:{port}/")).content == b"here"

    async def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(self) -> None:
        asked: list[str] = []

        async def rebinding(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

        other = Outbound.parse("127.0.0.2/32")
        async with (
            listening(plain(b"judged"), "127.0.0.2") as port,
            listening(plain(b"other"), "127.0.0.1", port),
            outbound_client(other, resolve=rebinding) as client,
        ):
            assert (await client.get(f"http://moving.example:{port}/")).content == b"judged"
            assert len(asked) == 1
            with pytest.raises(SSRFBlocked):
                await client.get(f"http://moving.example:{port}/")

    async def test_a_redirect_is_not_followed_and_where_it_is_it_is_judged(self) -> None:
        away = plain(b"", "Location: http://169.254.169.254/latest/meta-data/", status="302 Found")
        async with listening(away) as port, outbound_client(HERE, resolve=by_table) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 302
            with pytest.raises(SSRFBlocked):
                await client.get(f"http://127.0.0.1:{port}/", follow_redirects=True)

    async def test_the_certificate_is_that_of_the_name(self, tmp_path: Path) -> None:
        server, client_context = certified("loopback.example", tmp_path)
        asked: list[object] = []
        server.sni_callback = lambda _socket, name, _context: asked.append(name)
        seen: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
            writer.close()

        async with (
            listening(handle, ssl=server) as port,
            outbound_client(HERE, resolve=by_table, verify=client_context) as client,
        ):
            assert (await client.get(f"https://loopback.example:{port}/")).status_code == 204
            assert asked == ["loopback.example"]
            assert f"host: loopback.example:{port}".encode() in seen[0].lower()
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"https://127.0.0.1:{port}/")

    def test_a_client_that_keeps_its_connections_elsewhere_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(httpx2.AsyncHTTPTransport, "__init__", lambda self, **_: None)
        with pytest.raises(RuntimeError, match="guard"):
            GuardedTransport(PUBLIC)


class TestAnswers:
    async def test_a_long_one_is_cut(self) -> None:
        async with listening(plain(b"x" * 2_000)) as port, outbound_client(HERE, max_bytes=1_999) as client:
            with pytest.raises(AnswerTooLarge):
                await client.get(f"http://127.0.0.1:{port}/")

    async def test_one_that_never_ends(self) -> None:
        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
                await writer.drain()

        async with listening(endless) as port, outbound_client(HERE, max_bytes=100_000) as client:
            with pytest.raises(AnswerTooLarge):
                await client.get(f"http://127.0.0.1:{port}/")

    async def test_a_packed_one_is_not_unpacked(self) -> None:
        bomb = gzip.compress(b"0" * 5_000_000)
        async with listening(plain(bomb, "Content-Encoding: gzip")) as port, outbound_client(HERE) as client:
            with pytest.raises(AnswerTooLarge):
                await client.get(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
    async def test_one_that_does_not_come(self, begun: bytes) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(begun)
            await reader.read()
            writer.close()

        async with listening(silent) as port, outbound_client(HERE, timeout_s=0.05) as client:
            with pytest.raises(httpx2.TimeoutException):
                await client.get(f"http://127.0.0.1:{port}/")


def test_a_network_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="configuration"):
        Settings.load({}, home=tmp_path, secret_key="x" * 32, outbound_networks="the plant")


def certified(name: str, place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context for a certificate of this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = place / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(pem) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
