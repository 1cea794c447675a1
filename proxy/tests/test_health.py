"""Probes: alive, ready, and what this proxy is."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.api import Health, ProblemType, Status
from contracts.telemetry import Surface
from proxy import VERSION
from proxy.breaker import MIN_FAILURES, Breaker
from proxy.health import EXTENSION as READINESS
from proxy.health import FRESH_S, Readiness, key_checks, key_faults
from proxy.lifecycle import Lifecycle
from proxy.parts import EXTENSION, Parts
from proxy.policies import Policies
from proxy.problems import ProblemError
from proxy.tests.conftest import CLIENT_KEY, SESSION_KEY, Keys, MakeApp, MakeSettings
from proxy.tests.upstream import DEADLINE_S, Upstream


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_probes_answer_at_the_root_and_below_the_prefix(make_app: MakeApp, prefix: str) -> None:
    """Each probe answers 200 as JSON that nobody caches, at both places."""
    client = make_app().test_client()
    for path in ("/livez", "/readyz", "/status"):
        response = client.get(prefix + path)
        assert (response.status_code, response.content_type) == (200, "application/json")
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/status", "/api/v1/readyz"])
def test_head_is_answered_like_get_without_a_body(make_app: MakeApp, path: str) -> None:
    """Probes that only look at the status may ask with HEAD."""
    response = make_app().test_client().head(path)
    assert (response.status_code, response.data) == (200, b"")


def test_ready_names_each_check(make_app: MakeApp, tmp_path: Path) -> None:
    """With an unreadable key the proxy is alive but not ready, and says why without saying where."""
    path = tmp_path / "session.key"
    path.write_bytes(SESSION_KEY)
    app = make_app(session_key_file=path)
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    path.unlink()
    app.extensions.pop(READINESS)  # as if the result's time were over
    response = client.get("/readyz")
    health = Health.model_validate_json(response.data)
    assert (response.status_code, health.status) == (503, "failing")
    assert health.checks["session_key_file"] == "the file cannot be read"
    assert {name for name, result in health.checks.items() if result != "ok"} == {"session_key_file"}
    assert str(tmp_path) not in response.text
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "is_good"),
    [
        ("private_key_file", b"no key", False),
        ("session_key_file", b"short", False),
        ("session_key_file", SESSION_KEY, True),
        ("next_session_key_file", b"short", False),
        ("next_session_key_file", SESSION_KEY, True),
        ("client_key_file", b"short", False),
        ("client_key_file", CLIENT_KEY, True),
        ("pat_file", b"two words", False),
        ("pat_file", b"word", True),
        ("oauth_token_file", b"", False),
        ("oauth_token_file", b"word\n", True),
    ],
)
def test_each_key_file_must_be_well_formed(
    make_settings: MakeSettings, tmp_path: Path, name: str, content: bytes, is_good: bool
) -> None:
    """A file that the proxy could not use is named, but neither its place nor its content."""
    path = tmp_path / "canary-file"
    path.write_bytes(content)
    given: dict[str, object] = {name: path}
    if name in ("pat_file", "oauth_token_file"):
        given["private_key_file"] = None
    checks = key_checks(make_settings(**given))
    assert (checks.pop(name) == "ok") is is_good
    assert set(checks.values()) == {"ok"}
    assert "canary" not in str(checks)


def test_a_key_to_come_may_be_absent(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The next session key is only checked once it is there."""
    assert "next_session_key_file" not in key_checks(make_settings(next_session_key_file=tmp_path / "later"))


class Store:
    """Counts how often it is looked at, and fails when told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.failure: Exception | None = None

    def check(self) -> None:
        """One look."""
        self.looks += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def make_readiness(make_settings: MakeSettings) -> Callable[..., Readiness]:
    """Checks of a process that lacks nothing, but for what the test gives."""

    def make(
        store: Callable[[], object] = lambda: None,
        lifecycle: Lifecycle | None = None,
        breakers: dict[Surface, Breaker] | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        **given: Any,
    ) -> Readiness:
        return Readiness(make_settings(), lifecycle or Lifecycle(0, 0), store, breakers or {}, clock, **given)

    return make


def test_a_thousand_probes_look_at_the_store_once(make_readiness: Callable[..., Readiness]) -> None:
    """Within a second all get the same result, also when they ask together; then it is looked up anew."""
    store, now_s = Store(), [0.0]
    readiness = make_readiness(store.check, clock=lambda: now_s[0])
    threads = [threading.Thread(target=lambda: [readiness.checks() for _ in range(125)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert store.looks == 1
    now_s[0] += FRESH_S
    readiness.checks()
    assert store.looks == 2


def test_a_store_that_fails_is_told_without_its_words(make_readiness: Callable[..., Readiness]) -> None:
    """Whatever the store raises, its address stays inside; when it is back, so is readiness."""
    store, now_s = Store(), [0.0]
    store.failure = ConnectionError("redis://canary:6379")
    told: list[bool] = []
    readiness = make_readiness(store.check, clock=lambda: now_s[0], on_store=told.append)
    assert readiness.checks()["store"] == "the store cannot be used"
    assert "canary" not in str(readiness.checks())
    store.failure = None
    now_s[0] += FRESH_S
    assert readiness.checks()["store"] == "ok"
    assert told == [False, True]


def test_the_log_tells_of_each_change_once(make_readiness: Callable[..., Readiness]) -> None:
    """However often it is asked, a result is told when it changes: what fails, what else fails, and the return."""
    store, now_s, lifecycle = Store(), [0.0], Lifecycle(20, 5)
    readiness = make_readiness(store.check, lifecycle, clock=lambda: now_s[0])

    def ask() -> list[tuple[str, str, str | None]]:
        now_s[0] += FRESH_S
        with capture_logs() as logged:
            for _ in range(3):
                readiness.checks()
        return [(line["log_level"], line["event"], line.get("detail")) for line in logged]

    assert ask() == []
    store.failure = ConnectionError("canary")
    assert ask() == [("warning", "not ready", "store: the store cannot be used")]
    assert ask() == []
    store.failure = None
    assert ask() == [("info", "ready again", None)]
    lifecycle.begin()
    assert ask() == [("warning", "not ready", "lifecycle: the process is stopping: noticed")]


def test_key_faults_tell_setting_and_path(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Who starts the proxy is told where to look, and never what the file holds."""
    path = tmp_path / "session.key"
    path.write_bytes(SESSION_KEY)
    settings = make_settings(session_key_file=path)
    assert key_faults(settings) == []
    path.write_bytes(b"canary")
    (fault,) = key_faults(settings)
    assert fault == f"CORTEX_PROXY_SESSION_KEY_FILE: {path} holds 6 bytes; a key needs at least 32"
    path.unlink()
    assert key_faults(settings) == [f"CORTEX_PROXY_SESSION_KEY_FILE: {path} cannot be read: No such file or directory"]


def test_a_stop_shows_at_once(make_readiness: Callable[..., Readiness]) -> None:
    """The phase is no cached result: the first probe after the signal fails."""
    lifecycle = Lifecycle(20, 5)
    readiness = make_readiness(lifecycle=lifecycle)
    assert readiness.checks()["lifecycle"] == "ok"
    lifecycle.begin()
    assert readiness.checks()["lifecycle"] == "the process is stopping: noticed"


def test_ready_until_every_surface_is_suspended(make_readiness: Callable[..., Readiness]) -> None:
    """One surface that works is worth requests; when a pause is over, requests find out whether Cortex is back."""
    now_s = [0.0]
    breakers = {surface: Breaker(surface, clock=lambda: now_s[0]) for surface in Surface}
    readiness = make_readiness(breakers=breakers)
    for surface, breaker in breakers.items():
        assert readiness.checks()["upstream"] == "ok", surface
        for _ in range(MIN_FAILURES):
            breaker.failed(breaker.admit())
    assert readiness.checks()["upstream"] == "calls to every surface of Cortex are suspended after failures"
    now_s[0] += 3600
    assert readiness.checks()["upstream"] == "ok"


def test_a_stopping_proxy_is_alive_but_not_ready(make_app: MakeApp) -> None:
    """`readyz` fails with the reason, `status` says so, `livez` stays: nobody is to kill it."""
    app = make_app(drain_notice_s=5)
    wired: Parts = app.extensions[EXTENSION]
    wired.lifecycle.begin()
    client = app.test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert Health.model_validate_json(response.data).checks["lifecycle"].endswith("noticed")
    assert Status.model_validate_json(client.get("/status").data).draining
    assert client.get("/livez").status_code == 200


def test_no_probe_asks_cortex(make_app: MakeApp) -> None:
    """The upstream sees no connection."""
    with Upstream(lambda exchange: exchange.json({})) as upstream:
        client = make_app(snowflake_url=upstream.url).test_client()
        for path in ("/livez", "/readyz", "/status"):
            assert client.get(path).status_code == 200
        assert upstream.connections == 0


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


@pytest.mark.parametrize(
    ("changed", "kind"),
    [({"history_file": ":memory:"}, "memory"), ({"history_file": "{folder}/h.sqlite3"}, "sqlite")],
    ids=["memory", "sqlite"],
)
def test_status_tells_the_kind_of_store(make_app: MakeApp, tmp_path: Path, changed: dict[str, str], kind: str) -> None:
    """The kind, not the place."""
    given = {name: value.format(folder=tmp_path) for name, value in changed.items()}
    response = make_app(**given).test_client().get("/status")
    assert Status.model_validate_json(response.data).store == kind
    assert str(tmp_path) not in response.text


def test_status_tells_what_a_user_may_ask_of_each_endpoint(make_app: MakeApp) -> None:
    """Every row of the policies, as it is set."""
    app = make_app(policies={"tool_sql": {"rate": 17, "at_once": 3}})
    status = Status.model_validate_json(app.test_client().get("/status").data)
    assert len(status.endpoints) == len(Policies.model_fields)
    assert (status.endpoints["toolSql"].requests, status.endpoints["toolSql"].at_once) == (17, 3)


def test_status_tells_suspended_surfaces(make_app: MakeApp) -> None:
    """Each surface of Cortex by name, with the state of its breaker."""
    app = make_app()
    wired: Parts = app.extensions[EXTENSION]
    breaker = wired.cortex.breakers[Surface.SEARCH]
    for _ in range(MIN_FAILURES):
        breaker.failed(breaker.admit())
    with pytest.raises(ProblemError) as refused:
        breaker.admit()
    assert refused.value.kind is ProblemType.UPSTREAM_SUSPENDED
    status = Status.model_validate_json(app.test_client().get("/status").data)
    assert status.breakers == {"agent": "closed", "analyst": "closed", "search": "open", "sql": "closed"}


def test_the_version_is_the_packages() -> None:
    """What the status says is what is released."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
