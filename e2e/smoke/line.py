"""The way to the target: name, TCP, TLS and certificate, as `requests` would go it; and what is wrong with it."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
from requests.auth import _basic_auth_str
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy


class LineError(Exception):
    """No connection.   found: what happened.   do: what to do."""

    def __init__(self, found: str, do: str) -> None:
        super().__init__(found)
        self.found, self.do = found, do


@dataclass(frozen=True, slots=True)
class Line:
    """A connection that could be made.

    tls: its version, None without.   names: whom the certificate is for.   ends_s: when it ends, since the epoch.
    """

    took_ms: float
    via: str | None = None
    tls: str | None = None
    cipher: str | None = None
    issuer: str | None = None
    names: tuple[str, ...] = ()
    ends_s: float | None = None

    def days_left(self, now_s: float) -> float:
        """How many days the certificate has left."""
        assert self.ends_s is not None, "asked of a line with TLS"
        return (self.ends_s - now_s) / 86_400


def connect(url: str, timeout_s: float, *, ca_file: str | None = None, is_direct: bool = False) -> Line:
    """The connection to a URL's host, which is closed again.

    is_direct: whether proxies of the environment are left aside.   Raises: LineError.
    """
    target, via = urlsplit(url), None if is_direct else select_proxy(url, get_environ_proxies(url))
    where = f"{target.hostname}:{_port(target)}"
    connection = _connection(target, via, timeout_s, ca_file)
    began_s = time.monotonic()
    try:
        connection.connect()
        return _line(connection, (time.monotonic() - began_s) * 1000, via and urlsplit(via).hostname)
    except (OSError, HTTPException) as error:
        raise _in_words(error, where, via and urlsplit(via).netloc.rpartition("@")[2]) from error
    finally:
        connection.close()


def _port(url: SplitResult) -> int:
    return url.port or {"http": 80, "https": 443}[url.scheme]


def _connection(target: SplitResult, via: str | None, timeout_s: float, ca_file: str | None) -> HTTPConnection:
    first = urlsplit(via) if via else target
    at = first.hostname or "", _port(first)
    if target.scheme == "http":
        return HTTPConnection(*at, timeout=timeout_s)
    connection = HTTPSConnection(*at, timeout=timeout_s, context=_trusting(ca_file or certifi.where()))
    if via:
        user, password = get_auth_from_url(via)
        headers = {"Proxy-Authorization": _basic_auth_str(user, password)} if user else {}
        connection.set_tunnel(target.hostname or "", _port(target), headers)
    return connection


def _trusting(authorities: str) -> ssl.SSLContext:
    is_folder = Path(authorities).is_dir()
    try:
        return ssl.create_default_context(
            cafile=None if is_folder else authorities, capath=authorities if is_folder else None
        )
    except OSError as error:
        raise LineError(f"{authorities} holds no certificates", "name a PEM file by --ca-file") from error


def _line(connection: HTTPConnection, took_ms: float, via: str | None) -> Line:
    sock = connection.sock
    if not isinstance(sock, ssl.SSLSocket):
        return Line(took_ms, via)
    found: Any = sock.getpeercert()
    cipher = sock.cipher()
    issuer = {name: value for part in found.get("issuer", ()) for name, value in part}
    return Line(
        took_ms,
        via,
        tls=sock.version(),
        cipher=cipher[0] if cipher else None,
        issuer=issuer.get("organizationName") or issuer.get("commonName"),
        names=tuple(value for _, value in found.get("subjectAltName", ())),
        ends_s=float(ssl.cert_time_to_seconds(found["notAfter"])),
    )


_CERTIFICATE = {
    9: ("the certificate is not valid yet", "see the clock here and when the certificate was issued"),
    10: ("the certificate has expired", "renew it on the gateway now: no browser and no client gets through"),
    18: ("the certificate is self-signed", "install one of an authority, or trust this one by --ca-file"),
    19: (
        "the chain ends in an authority that is not trusted here",
        "name your company's authority by --ca-file; from outside, see that nobody stands between here and the target",
    ),
    20: (
        "the chain is not whole, or its authority is unknown here",
        "have the gateway send the intermediate certificates, too (fullchain); for an authority of your own: --ca-file",
    ),
    62: ("the certificate is for other names", "have one issued for this name, or ask by a name that it holds"),
    64: ("the certificate is not for this address", "ask by the name that it was issued for"),
}
"""What OpenSSL's verify codes mean, and what to do. Source: openssl/include/openssl/x509_vfy.h."""


def _in_words(error: Exception, where: str, via: str | None) -> LineError:
    at = f"{where} through the proxy {via}" if via else where
    if isinstance(error, ssl.SSLCertVerificationError):
        found, do = _CERTIFICATE.get(error.verify_code, ("the certificate does not verify", "see the gateway's TLS"))
        return LineError(f"{at}: {found} (OpenSSL: {error.verify_message})", do)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        do = "does it speak TLS on this port? For plain HTTP the target starts with http://"
        return LineError(f"{at}: no TLS handshake: {reason}", do)
    if isinstance(error, socket.gaierror):
        return LineError(f"{at}: the name is unknown here", "see the spelling, the VPN and this machine's resolver")
    if isinstance(error, TimeoutError):
        return LineError(f"{at}: no answer to connecting", "see firewall and VPN, and whether the machine is up")
    if isinstance(error, ConnectionRefusedError):
        return LineError(f"{at}: nobody listens there", "see whether gateway or proxy run, and on which port")
    return LineError(f"{at}: {type(error).__name__}: {error}", "see the way from here to the target")
