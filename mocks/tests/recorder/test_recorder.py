"""The recorder between a client and an upstream: what passes, what is noted, what is refused."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mocks import intake, recorder
from mocks.cassette import Frame, Frames, Interaction, Request, ResponseHead
from mocks.clerk import Terms
from mocks.recorder import checked_upstream
from mocks.recording import RecordingError, State
from mocks.tests.recorder.between import HEAD, TIMEOUT_S, Asked, StandIn, chunk, get, greet, recording, send

FRAMES = (b"event: a\ndata: 1\n\n", b"event: b\nda", b"ta: 2\n\nevent: c\ndata: 3\n\n")
REPLAY = Terms(answers=True, forwards=False, state=State(1, 0, 0))
EPISODES = Terms(answers=True, forwards=True, state=State(1, 0, 0))
STORED = Interaction(
    Request(method="GET", path="/x"),
    ResponseHead(status=201, headers={"Content-Type": "text/event-stream", "X-Kept": "yes"}),
    Frames([Frame(10.0, FRAMES[0])]),
)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Play a scenario to its end."""
    asyncio.run(asyncio.wait_for(scenario, 2 * TIMEOUT_S))


async def stream(_: Asked, writer: asyncio.StreamWriter) -> None:
    """A stream of three chunks."""
    await send(writer, HEAD + b"Set-Cookie: session=1\r\n\r\n", *map(chunk, FRAMES), chunk(b""))


# --- what passes


def test_each_chunk_passes_before_the_next_one_is_written(tmp_path: Path) -> None:
    """The upstream writes a chunk only once the client has the one before it: nothing is held back."""

    async def scenario() -> None:
        arrived = asyncio.Semaphore(0)

        async def lock_step(_: Asked, writer: asyncio.StreamWriter) -> None:
            await send(writer, HEAD + b"\r\n")
            for data in FRAMES:
                await send(writer, chunk(data))
                await asyncio.wait_for(arrived.acquire(), TIMEOUT_S)
            await send(writer, chunk(b""))

        async with recording(tmp_path, lock_step) as between:
            reader, writer = await between.connect()
            await send(writer, get())
            await reader.readuntil(b"\r\n\r\n")
            for data in FRAMES:
                assert await reader.readexactly(len(chunk(data))) == chunk(data)
                arrived.release()
            assert await reader.read() == chunk(b"")
            writer.close()
            await between.until(lambda: between.clerk.taken)
        [finished] = between.clerk.taken
        assert tuple(data for _, data in finished.chunks) == FRAMES
        assert list(finished.chunks) == sorted(finished.chunks)

    run(scenario())


def test_a_request_goes_upstream_as_it_came(tmp_path: Path) -> None:
    """Method, path, credentials and body stay; the host is the upstream's, and nothing may come compressed."""

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            headers = ("Authorization: Bearer x", "Accept-Encoding: gzip", "Content-Type: application/json")
            await between.ask(get("/a%20b?c=d", *headers, method="POST", body=b'{"e":1}'))
            [asked] = between.seen
            assert (asked.method, asked.path, asked.body) == ("POST", "/a%20b?c=d", b'{"e":1}')
            assert asked.headers["authorization"] == "Bearer x"
            assert asked.headers["accept-encoding"] == "identity"
            assert asked.headers["host"] == between.upstream.removeprefix("http://")
            await between.until(lambda: between.clerk.taken)
        asking = between.clerk.taken[0].asking
        assert (asking.method, asking.path, asking.body) == ("POST", "/a%20b?c=d", b'{"e":1}')
        assert asking.headers == {"Content-Type": "application/json"}

    run(scenario())


def test_one_connection_carries_many_exchanges(tmp_path: Path) -> None:
    """Streams and plain answers follow each other, numbered as they were asked."""

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            reader, writer = await between.connect()
            for _ in range(3):
                await send(writer, get().replace(b"Connection: close\r\n", b""))
                await reader.readuntil(b"\r\n\r\n{}")
            writer.close()
            await between.until(lambda: len(between.clerk.taken) == 3)
        assert [each.number for each in between.clerk.taken] == [1, 2, 3]

    run(scenario())


@pytest.mark.parametrize(
    ("method", "head"),
    [("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n")],
)
def test_an_answer_without_a_body_is_whole(tmp_path: Path, method: str, head: bytes) -> None:
    """Nothing follows the head, and nothing is waited for."""

    async def scenario() -> None:
        async with recording(tmp_path, lambda _, writer: send(writer, head)) as between:
            assert head[:12] in await between.ask(get(method=method))
            await between.until(lambda: between.clerk.taken)
        assert between.clerk.taken[0].chunks == ()

    run(scenario())


# --- what breaks off


def test_an_upstream_that_breaks_off_is_not_recorded(tmp_path: Path) -> None:
    """The client gets what came and sees that the rest is missing."""

    async def scenario() -> None:
        async def cut(_: Asked, writer: asyncio.StreamWriter) -> None:
            await send(writer, HEAD + b"\r\n", chunk(FRAMES[0]))
            writer.close()

        async with recording(tmp_path, cut) as between:
            answer = await between.ask(get())
            assert FRAMES[0] in answer
            assert not answer.endswith(chunk(b""))
            await between.until(lambda: between.lost)
        assert between.lost == ["#1 GET statements: the upstream broke off in mid-answer"]
        assert between.clerk.taken == []

    run(scenario())


def test_a_client_that_leaves_takes_the_upstream_along(tmp_path: Path) -> None:
    """The upstream's connection is closed, and the exchange is named as not recorded."""

    async def scenario() -> None:
        has_noticed = asyncio.Event()

        async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
            await send(writer, HEAD + b"\r\n", chunk(FRAMES[0]))
            await writer.wait_closed() if writer.is_closing() else None
            try:
                while True:
                    await send(writer, chunk(FRAMES[0]))
                    await asyncio.sleep(0.01)
            except ConnectionError:
                has_noticed.set()
                raise

        async with recording(tmp_path, endless) as between:
            reader, writer = await between.connect()
            await send(writer, get())
            await reader.readuntil(FRAMES[0])
            writer.close()
            await asyncio.wait_for(has_noticed.wait(), TIMEOUT_S)
            await between.until(lambda: between.lost)
        assert between.lost == ["#1 GET statements: the client left before the answer's end"]

    run(scenario())


def test_an_upstream_that_is_not_there_is_a_502(tmp_path: Path) -> None:
    """The client is told; nothing is recorded."""

    async def scenario() -> None:
        async with recording(tmp_path, upstream="http://127.0.0.1:1") as between:
            assert b" 502 " in await between.ask(get())
            await between.until(lambda: between.lost)
        assert between.lost == ["#1 GET statements: the upstream gave no answer"]

    run(scenario())


def test_the_end_drops_what_is_under_way_and_keeps_what_is_whole(tmp_path: Path) -> None:
    """A Ctrl-C in mid-stream costs that stream alone, and names it."""

    async def scenario() -> None:
        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.path == "/endless":
                await send(writer, HEAD + b"\r\n", chunk(FRAMES[0]))
            else:
                await greet(asked, writer)

        async with recording(tmp_path, answer) as between:
            reader, writer = await between.connect()
            await send(writer, get("/endless"))
            await reader.readuntil(FRAMES[0])
            await between.ask(get())
            assert between.recorder.under_way == 1
        assert between.lost == ["#1 GET another path: the recording ended before its answer did"]
        assert [each.number for each in between.clerk.taken] == [2]
        writer.close()

    run(scenario())


# --- bounds


def test_a_long_answer_passes_whole_and_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on what is kept, not on what passes."""
    monkeypatch.setattr(intake, "MAX_BODY_BYTES", 1000)
    pieces = [bytes([65 + at]) * 400 for at in range(6)]

    async def scenario() -> None:
        async with recording(
            tmp_path, lambda _, writer: send(writer, HEAD + b"\r\n", *map(chunk, [*pieces, b""]))
        ) as between:
            assert b"".join(map(chunk, [*pieces, b""])) in await between.ask(get())
            await between.until(lambda: between.lost)
        assert between.lost == ["#1 GET statements: its bodies take more than 1000 bytes"]

    run(scenario())


def test_a_long_request_passes_whole_and_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed on in pieces, and named."""
    monkeypatch.setattr(recorder, "MAX_BODY_BYTES", 1000)

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            assert b" 200 " in await between.ask(get(method="POST", body=b"x" * 5000))
            assert len(between.seen[0].body) == 5000
            await between.until(lambda: between.lost)
        assert between.lost == ["#1 POST statements: its request takes more than 1000 bytes"]

    run(scenario())


# --- what is refused


def test_an_upgrade_is_refused(tmp_path: Path) -> None:
    """A WebSocket would pass unseen; the upstream is never asked for one."""

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            headers = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
            assert b" 501 " in await between.ask(get("/ws", *headers))
            assert between.seen == []
        assert between.lost == ["#0 GET another path: an upgrade was refused"]

    run(scenario())


def test_a_tunnel_is_refused(tmp_path: Path) -> None:
    """CONNECT leads nowhere: the recorder has one upstream."""

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            answer = await between.ask(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
            assert answer.split()[1] == b"400"
            assert between.seen == []

    run(scenario())


def test_a_request_for_another_host_stays_with_the_upstream(tmp_path: Path) -> None:
    """Whatever a client writes into its request line, there is one place to go to."""

    async def scenario() -> None:
        async with recording(tmp_path) as between:
            await between.ask(get("http://192.0.2.1:9/secret"))
            assert [each.headers["host"] for each in between.seen] == [between.upstream.removeprefix("http://")]

    run(scenario())


# --- the cassette answers


def test_the_cassette_answers_without_the_upstream(tmp_path: Path) -> None:
    """Status, headers and bytes are the stored ones; nobody else is asked, and nothing is recorded."""

    async def scenario() -> None:
        async with recording(tmp_path, terms=REPLAY, clerk=StandIn(found=STORED)) as between:
            answer = await between.ask(get())
            assert answer.startswith(b"HTTP/1.1 201 ")
            assert b"X-Kept: yes" in answer
            assert answer.endswith(b"\r\n\r\n" + FRAMES[0])
        assert (between.seen, between.clerk.taken, between.progress.answered) == ([], [], 1)

    run(scenario())


def test_a_miss_is_a_404_that_names_the_nearest(tmp_path: Path) -> None:
    """When the cassette alone may answer, nothing falls through to the upstream."""

    async def scenario() -> None:
        clerk = StandIn(found=[{"interaction": 3}])
        async with recording(tmp_path, terms=REPLAY, clerk=clerk) as between:
            answer = await between.ask(get())
            assert b" 404 " in answer
            assert b'"nearest": [{"interaction": 3}]' in answer
            assert between.seen == []

    run(scenario())


def test_new_episodes_ask_the_cassette_first(tmp_path: Path) -> None:
    """What it does not answer goes upstream and is recorded."""

    async def scenario() -> None:
        async with recording(tmp_path, terms=EPISODES) as between:
            assert b" 200 " in await between.ask(get())
            await between.until(lambda: between.clerk.taken)
        assert (len(between.clerk.asked), len(between.seen)) == (1, 1)

    run(scenario())


# --- the port and the upstream


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    """The recorder ends, says which port it was, and what to do."""

    async def scenario() -> None:
        taken = await asyncio.start_server(lambda *_: None, recorder.LOOPBACK, 0)
        port = taken.sockets[0].getsockname()[1]
        async with taken:
            with pytest.raises(RecordingError, match=f"port {port} cannot be opened: Address already in use"):
                async with recording(tmp_path, port=port):
                    pass

    run(scenario())


@pytest.mark.parametrize(("is_known", "status"), [(False, b" 502 "), (True, b" 200 ")])
def test_an_upstream_has_to_prove_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool, status: bytes
) -> None:
    """A certificate that nobody vouches for is refused; SSL_CERT_FILE may name who vouches."""
    certificate, context = _tls(tmp_path)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    async def scenario() -> None:
        async with recording(tmp_path / "conf", ssl=context) as between:
            assert status in await between.ask(get())
            assert bool(between.seen) is is_known

    run(scenario())


def _tls(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that it signed itself, and what serves with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]),
        datetime.datetime.now(datetime.UTC),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, folder / "key.pem")
    return path, context


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://myorg-bench.snowflakecomputing.com", "https://myorg-bench.snowflakecomputing.com"),
        ("http://127.0.0.1:4010/", "http://127.0.0.1:4010"),
        ("http://[::1]:4010", "http://[::1]:4010"),
    ],
)
def test_an_upstream_is_an_origin(url: str, expected: str) -> None:
    """Scheme, host and port; a slash at the end says no more."""
    assert checked_upstream(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "myorg-bench.snowflakecomputing.com",
        "ftp://example.org",
        "https://",
        "https://user:word@example.org",
        "https://example.org/path",
        "https://example.org?query",
        "https://example.org:port",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """A path, a user or a typo in the upstream's address is an error before anything begins."""
    with pytest.raises(RecordingError, match="origin"):
        checked_upstream(url)
