"""What a few rehearsals need beside mock and proxy: TLS upstream, a collector that refuses, a page of metrics.

Each is a context manager or is ended with the process; all listen on loopback.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from e2e.stack import LOOPBACK


@contextlib.contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[str]:
    """`host:port` of a server that gives every request this answer."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_words: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def behind_tls(folder: Path, upstream_port: int, *, valid_days: int) -> Iterator[tuple[str, Path]]:
    """An https address that leads to a port of this machine, and the authority to trust for it.

    valid_days: how long its certificate will be valid.
    """
    certificate, key = _certificate(folder, valid_days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server((LOOPBACK, 0))
    accepting = threading.Thread(target=_accept, args=(listener, context, upstream_port), daemon=True)
    accepting.start()
    try:
        yield f"https://{LOOPBACK}:{listener.getsockname()[1]}", certificate
    finally:
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext, upstream_port: int) -> None:
    with contextlib.suppress(OSError):  # closed at the end
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_join, args=(plain, context, upstream_port), daemon=True).start()


def _join(plain: socket.socket, context: ssl.SSLContext, upstream_port: int) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(plain, server_side=True) as client,
        socket.create_connection((LOOPBACK, upstream_port)) as upstream,
    ):
        back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
        back.start()
        _pump(client, upstream)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _certificate(folder: Path, valid_days: int) -> tuple[Path, Path]:
    """A certificate that signs itself, for loopback; and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a stand-in for Snowflake")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=valid_days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "upstream.pem", folder / "upstream.key"
    certificate.write_bytes(built.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


def exposition(families: dict[str, dict[str, float]]) -> bytes:
    """Gauges as Prometheus reads them: by name, then by labels as they are written."""
    lines = []
    for name, series in families.items():
        lines += [f"# HELP {name} Made up.", f"# TYPE {name} gauge"]
        lines += [f"{name}{{{labels}}} {value:.17g}" for labels, value in series.items()]
    return ("\n".join(lines) + "\n").encode()


page = partial(answering, 200)
"""`host:port` of a server whose every page is this body."""
