"""Keys and certificates made once, settings and applications made per test, and closed after it."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask

from proxy.app import close, create_app
from proxy.backoff import Backoff
from proxy.breaker import State
from proxy.cortex import CortexClient
from proxy.policies import Policies
from proxy.settings import ENV_PREFIX, Settings

SESSION_KEY = b"session key of the tests, long enough"
CLIENT_KEY = b"client key of the tests, long enough!"

_MANY = {"rate": 100_000, "burst": 100_000, "at_once": 1000}
ROOMY: dict[str, dict[str, Any]] = dict.fromkeys(Policies.model_fields, _MANY)
"""Tests of other things than limits do not run into them."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged, fit to travel: tests log halves of characters, which xdist's workers cannot send."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


class Seen:
    """An observer that remembers what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.certificates: list[float] = []
        self.begun: list[tuple[str, int]] = []

    def attempt(self, surface: str, method: str, number: int, trace: Mapping[str, str]) -> SeenAttempt:
        """A try begins."""
        self.begun.append((method, number))
        return SeenAttempt(self, surface, trace)

    def certificate_seen(self, ends_s: float) -> None:
        """A certificate was shown."""
        self.certificates.append(ends_s)

    def retried(self, surface: str, reason: str) -> None:
        """A try follows."""
        self.told.append(("retry", surface, reason))

    def budget_denied(self, surface: str) -> None:
        """No try follows for want of budget."""
        self.told.append(("denied", surface, ""))

    def breaker_changed(self, surface: str, state: State) -> None:
        """A breaker changed its state."""
        self.told.append(("breaker", surface, state))


@dataclass(frozen=True, slots=True)
class SeenAttempt:
    """One try; its headers are those it was given."""

    seen: Seen
    surface: str
    headers: Mapping[str, str]

    def asked(self) -> None:
        """The request is sent."""

    def answered(self, status: int) -> None:
        """An answer began."""

    def ended(self, outcome: str) -> None:
        """The try is over."""
        self.seen.told.append(("attempt", self.surface, outcome))


MakeSettings = Callable[..., Settings]
MakeApp = Callable[..., Flask]
MakeCortex = Callable[..., CortexClient]


@dataclass(frozen=True, slots=True)
class Keys:
    """Files that settings point to."""

    private_key: Path
    session_key: Path
    client_key: Path
    certificate: Path
    pair: rsa.RSAPrivateKey


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A key pair, both symmetric keys, and a certificate for 127.0.0.1 that it has signed itself."""
    folder = tmp_path_factory.mktemp("keys")
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = Keys(folder / "key.p8", folder / "session.key", folder / "client.key", folder / "tls.pem", pair)
    certificate = _self_signed(pair).public_bytes(Encoding.PEM)
    for path, content in [
        (made.private_key, pem),
        (made.session_key, SESSION_KEY),
        (made.client_key, CLIENT_KEY + b"\n"),
        (made.certificate, certificate + pem),
    ]:
        path.write_bytes(content)
        path.chmod(0o600)
    return made


def _self_signed(pair: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(pair.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(pair, hashes.SHA256())
    )


@pytest.fixture
def make_settings(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    """Development settings with what the test changes; the environment of whoever runs it has no say."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)

    def make(**changed: Any) -> Settings:
        given: dict[str, Any] = {
            "environment": "development",
            "snowflake_url": "http://127.0.0.1:9",
            "account": "MYORG-BENCH",
            "user": "CORTEX_PROXY_USER",
            "private_key_file": keys.private_key,
            "session_key_file": keys.session_key,
            "history_file": ":memory:",
        }
        rows = changed.pop("policies", {})
        given["policies"] = ROOMY | {name: ROOMY.get(name, {}) | row for name, row in rows.items()}
        return Settings(**given | changed)

    return make


@pytest.fixture
def make_app(make_settings: MakeSettings) -> Iterator[MakeApp]:
    """An application with the settings that the test changes; its pooled connections are closed afterwards."""
    made: list[Flask] = []

    def make(**changed: Any) -> Flask:
        made.append(create_app(make_settings(**changed)))
        return made[-1]

    yield make
    for app in made:
        close(app)


@pytest.fixture
def make_cortex(make_settings: MakeSettings) -> Iterator[MakeCortex]:
    """The upstream client alone, told by its dice to try again at once."""
    made: list[CortexClient] = []

    def make(**changed: Any) -> CortexClient:
        made.append(CortexClient(make_settings(**changed), Seen(), Backoff(lambda least, _most: least)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Whatever a test configures, logging is as before afterwards."""
    root, server = logging.getLogger(), logging.getLogger("gunicorn.error")
    before = (root.handlers[:], root.level, server.handlers[:], server.propagate, server.filters[:])
    levels = {name: logging.getLogger(name).level for name in ("urllib3", "werkzeug", "requests")}
    yield
    root.handlers, root.level, server.handlers, server.propagate, server.filters = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()
