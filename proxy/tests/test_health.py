"""Probes: alive, ready, and what this proxy is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from contracts.api import Health, Status
from proxy import VERSION
from proxy.tests.conftest import SESSION_KEY, Keys, MakeApp


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_probes_answer_at_the_root_and_below_the_prefix(make_app: MakeApp, prefix: str) -> None:
    """Each probe answers 200 as JSON that nobody caches, at both places."""
    client = make_app().test_client()
    for path in ("/livez", "/readyz", "/status"):
        response = client.get(prefix + path)
        assert (response.status_code, response.content_type) == (200, "application/json")
        assert response.headers["Cache-Control"] == "no-store"


def test_ready_names_each_check(make_app: MakeApp, keys: Keys) -> None:
    """Every key file is a check of its own."""
    app = make_app(environment="production", client_key_file=keys.client_key)
    health = Health.model_validate_json(app.test_client().get("/readyz").data)
    assert health.checks == {"private_key_file": "ok", "session_key_file": "ok", "client_key_file": "ok"}


def test_a_key_that_is_gone_makes_it_unready(make_app: MakeApp, tmp_path: Path) -> None:
    """Without its key file the proxy is alive but not ready, and says why without saying where."""
    path = tmp_path / "session.key"
    path.write_bytes(SESSION_KEY)
    client = make_app(session_key_file=path).test_client()
    assert client.get("/readyz").status_code == 200
    path.unlink()
    response = client.get("/readyz")
    health = Health.model_validate_json(response.data)
    assert (response.status_code, health.status) == (503, "failing")
    assert health.checks["session_key_file"] == "the file cannot be read"
    assert str(tmp_path) not in response.text
    assert client.get("/livez").status_code == 200


def test_status_tells_mode_and_limits(make_app: MakeApp, keys: Keys) -> None:
    """Rehearsal and live are told apart, and nothing in it is a secret."""
    response = make_app(max_streams=7).test_client().get("/status")
    rehearsal = Status.model_validate_json(response.data)
    assert (rehearsal.mode, rehearsal.session_issue, rehearsal.limits["streams"]) == ("rehearsal", "open", 7)
    assert '"streams":7,' in response.text  # a count, not 7.0
    assert str(keys.session_key) not in response.text
    live = make_app(
        environment="production",
        client_key_file=keys.client_key,
        snowflake_url="https://myorg-bench.snowflakecomputing.com",
    )
    status = Status.model_validate_json(live.test_client().get("/status").data)
    assert (status.mode, status.environment, status.session_issue) == ("live", "production", "client-key")


def test_the_version_is_the_packages() -> None:
    """What the status says is what is released."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
