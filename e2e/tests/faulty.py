"""A gateway in front of a proxy, for tests of the smoke: it passes everything on, and does what a fault tells it to."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contracts.loopback import Loopback

HOP_HEADERS = {"connection", "transfer-encoding", "server", "date", "content-length"}
"""Each hop's own; what the gateway would say of itself stands in `Reply.headers` when a fault wants it said."""


@dataclass(frozen=True)
class Reply:
    """An answer on its way back.   body: bytes, or pieces as they come.   headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes]

    @property
    def whole(self) -> bytes:
        """The body, waited for."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)

    def saying(self, **headers: str | None) -> Reply:
        """The reply with other headers (`_` for `-`); None takes one away."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {**self.headers, **changed}
        return replace(self, headers={name: value for name, value in kept.items() if value is not None})


Fault = Callable[[str, Reply], Reply]
"""What becomes of the reply to a request, which is "GET /api/v1/livez"."""


def none(_asked: str, reply: Reply) -> Reply:
    """No fault: everything passes."""
    return reply


def on(asked: str, change: Callable[[Reply], Reply]) -> Fault:
    """A fault of some requests: those that start so."""
    return lambda what, reply: change(reply) if what.startswith(asked) else reply


def edited(asked: str, edit: Callable[[Any], object]) -> Fault:
    """A fault of a JSON body, which `edit` changes in place, or replaces by what it gives."""

    def change(reply: Reply) -> Reply:
        document = json.loads(reply.whole)
        return replace(reply, body=json.dumps(edit(document) or document).encode())

    return on(asked, change)


def rewritten(edit: Callable[[list[bytes]], Iterable[bytes]]) -> Fault:
    """A fault of the chat's stream: other frames."""

    def change(reply: Reply) -> Reply:
        frames = [frame + b"\n\n" for frame in reply.whole.split(b"\n\n") if frame]
        return replace(reply, body=b"".join(edit(frames)))

    return on("POST /api/v1/chat", change)


@dataclass
class Gateway:
    """What a running gateway does.

    asks: headers that it adds to what it passes on.   seen: headers of each request that reached it.
    """

    upstream: str
    fault: Fault = none
    asks: dict[str, str] = field(default_factory=dict)
    seen: list[Mapping[str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: ClassVar[Gateway]

    def _relay(self) -> None:
        gateway = self.gateway
        gateway.seen.append(dict(self.headers))
        sent = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                self.command,
                f"{gateway.upstream}{self.path}",
                data=body,
                headers=sent | gateway.asks,
                stream=True,
                allow_redirects=False,
                timeout=20,
            )
            headers = {name.lower(): value for name, value in answer.headers.items()}
            kept = {name: value for name, value in headers.items() if name not in HOP_HEADERS}
            reply = Reply(answer.status_code, kept, _pieces(answer))
            with contextlib.suppress(ConnectionError):  # whoever asked may have left
                self._send(gateway.fault(f"{self.command} {self.path}", reply))

    do_GET = do_POST = do_DELETE = _relay  # noqa: N815 - the library's names

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        headers = {"date": self.date_time_string(), **reply.headers}
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        if is_stream:
            pieces = [reply.body] if isinstance(reply.body, bytes) else reply.body
            headers["transfer-encoding"] = "chunked"
        else:
            pieces = [reply.whole]
            headers.setdefault("content-length", str(len(pieces[0])))
            self.close_connection = headers["content-length"] != str(len(pieces[0]))  # it waits for more in vain
        for name, value in headers.items():
            self.send_header(name.title(), value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if is_stream else piece)
        if is_stream:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    while piece := answer.raw.read1(65536):
        yield piece


@contextlib.contextmanager
def gateway(upstream: str, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, Gateway]]:
    """The address of a running gateway, and what it does, which may be changed.   context: it ends TLS by this."""
    made = Gateway(upstream)
    handler = type("Handler", (_Handler,), {"gateway": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made.asks |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    with Loopback(server) as running:
        yield running.url if context is None else f"https://127.0.0.1:{running.port}", made


@dataclass(frozen=True)
class Authority:
    """A made-up authority and where its files are."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def made(cls, folder: Path) -> Authority:
        """A new one, whose certificate is `ca_file`."""
        authority = cls(folder, ec.generate_private_key(ec.SECP256R1()), _named("Made-up authority"))
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        built = authority._builder(authority.name, authority.key, (-1, 3650))
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        certificate = built.add_extension(usage, critical=True).sign(authority.key, hashes.SHA256())
        Path(authority.ca_file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def ca_file(self) -> str:
        """Its certificate."""
        return str(self.folder / "authority.pem")

    def server(self, name: str, days: tuple[float, float] = (-1, 90)) -> ssl.SSLContext:
        """The context of a server with a certificate for an address or name, from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            held: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            held = x509.DNSName(name)
        built = self._builder(_named(name), key, days)
        built = built.add_extension(x509.SubjectAlternativeName([held]), critical=False)
        certificate = built.sign(self.key, hashes.SHA256())
        path = self.folder / f"{name}{days[1]}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[float, float]
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
        )


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
