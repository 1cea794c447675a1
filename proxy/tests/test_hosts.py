"""The `Host` check of development."""

from __future__ import annotations

import pytest

from contracts.api import PROBLEM_BASE, ProblemType
from proxy.hosts import is_ours
from proxy.tests.conftest import Keys, MakeApp

EVIL = {"Host": "evil.example"}


@pytest.mark.parametrize(
    ("authority", "bound", "expected"),
    [
        ("localhost", "127.0.0.1", True),
        ("LocalHost:8080", "127.0.0.1", True),
        ("127.0.0.1:8080", "127.0.0.1", True),
        ("127.9.9.9", "127.0.0.1", True),
        ("[::1]:8080", "127.0.0.1", True),
        ("[::1]", "::1", True),
        ("proxy.internal:8080", "proxy.internal", True),
        ("192.0.2.7:8080", "192.0.2.7", True),
        ("192.0.2.7:8080", "0.0.0.0", True),
        ("[2001:db8::1]:8080", "::", True),
        ("192.0.2.7", "127.0.0.1", False),
        ("evil.example", "127.0.0.1", False),
        ("evil.example:8080", "0.0.0.0", False),
        ("evil.example", "::", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("evil@127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1:8080:evil", "127.0.0.1", False),
        ("[localhost", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("", "", False),
    ],
)
def test_which_hosts_are_ours(authority: str, bound: str, expected: bool) -> None:
    """Loopback and the bound host are; names that anybody can point at us are not."""
    assert is_ours(authority, bound) is expected


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/livez", 200),
        ("/readyz", 200),
        ("/api/v1/livez", 200),
        ("/status", 421),
        ("/api/v1/chat", 421),
        ("/api/v1/session/token", 421),
        ("/nowhere", 421),
    ],
)
def test_a_rebound_name_reaches_only_the_probes(make_app: MakeApp, path: str, status: int) -> None:
    """Under a foreign name a development proxy does not even say what it has."""
    response = make_app(environment="development").test_client().get(path, headers=EVIL)
    assert response.status_code == status
    if status == 421:
        assert response.get_json()["type"] == PROBLEM_BASE + ProblemType.HOST_NOT_ALLOWED
        assert response.headers["X-Request-Id"]


def test_a_rebound_name_gets_no_session(make_app: MakeApp) -> None:
    """The open door of development is open to this machine."""
    client = make_app(environment="development").test_client()
    assert client.post("/api/v1/session/token", headers=EVIL).status_code == 421
    assert client.post("/api/v1/session/token").status_code == 200


def test_production_has_names_of_its_own(make_app: MakeApp, keys: Keys) -> None:
    """Behind a gateway any name may be right; there a session needs the client key."""
    app = make_app(environment="production", client_key_file=keys.client_key)
    assert app.test_client().get("/status", headers=EVIL).status_code == 200
