"""Probes: `livez` (the process answers), `readyz` (it can serve), `status` (what it is). None of them calls Cortex.

Whoever can reach the port can ask them, as often as they like: what costs something is looked up once a second, by one
of those who ask, and no answer holds a path, a key or a host.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import structlog
from flask import Blueprint, Response, current_app
from pydantic.alias_generators import to_camel

from contracts.api import EndpointLimits, Health, Status
from contracts.cortex import TokenType
from contracts.telemetry import Store, Surface
from proxy import VERSION
from proxy.breaker import Breaker, State
from proxy.credentials import FileToken
from proxy.keypair import load_private_key
from proxy.keyring import session_key, text_key
from proxy.lifecycle import Lifecycle
from proxy.parts import Parts, parts
from proxy.policies import Policy
from proxy.settings import ENV_PREFIX, Settings

log = structlog.get_logger(__name__)
blueprint = Blueprint("health", __name__)

EXTENSION = "cortex_proxy_readiness"
FRESH_S = 1.0
"""How long a result stands."""

OK = "ok"


class Readiness:
    """Whether this process should get requests, check by check; each is "ok" or says why not.

    check_store: raises whatever it likes when the store cannot be used.   on_store: told whether it can.
    """

    def __init__(
        self,
        settings: Settings,
        lifecycle: Lifecycle,
        check_store: Callable[[], object],
        breakers: Mapping[Surface, Breaker],
        clock: Callable[[], float] = time.monotonic,
        *,
        on_store: Callable[[bool], None] = lambda _works: None,
    ) -> None:
        self._settings, self._lifecycle, self._breakers = settings, lifecycle, breakers
        self._check_store, self._clock, self._on_store = check_store, clock, on_store
        self._lock = threading.Lock()
        self._looked_up: dict[str, str] = {}
        self._stale_at_s = 0.0
        self._reported = ""

    def checks(self) -> dict[str, str]:
        """All checks by name. Those who ask at the same time share one look at files and store."""
        with self._lock:
            if not self._looked_up or self._clock() >= self._stale_at_s:
                self._looked_up = self._look_up()
                self._stale_at_s = self._clock() + FRESH_S
            # The settings were read, or there would be no process to ask.
            checks = {"config": OK, **self._looked_up, "upstream": self._upstream(), "lifecycle": self._phase()}
            self._report(checks)
        return checks

    def _report(self, checks: Mapping[str, str]) -> None:
        failing = "; ".join(f"{name}: {result}" for name, result in checks.items() if result != OK)
        if failing == self._reported:
            return
        self._reported = failing
        if failing:
            log.warning("not ready", detail=failing)
        else:
            log.info("ready again")

    def _look_up(self) -> dict[str, str]:
        return {**key_checks(self._settings), "store": self._store()}

    def _store(self) -> str:
        try:
            self._check_store()
        except Exception:  # whatever it is, its words may name hosts and files
            self._on_store(False)
            return "the store cannot be used"
        self._on_store(True)
        return OK

    def _upstream(self) -> str:
        # One surface that fails leaves the others useful, and a process that gets no requests never finds out that
        # the upstream is back: half-open counts as good.
        is_down = bool(self._breakers) and all(each.state is State.OPEN for each in self._breakers.values())
        return "calls to every surface of Cortex are suspended after failures" if is_down else OK

    def _phase(self) -> str:
        return OK if self._lifecycle.is_ready else f"the process is stopping: {self._lifecycle.phase}"


def key_checks(settings: Settings) -> dict[str, str]:
    """Each key file by the setting that names it: "ok", or what is wrong with it."""
    return {name: _told(_key_fault(name, path)) for name, path in _key_files(settings).items()}


def key_faults(settings: Settings) -> list[str]:
    """What is wrong with key files, each by its setting and its path, for whoever starts the proxy."""
    faults = {name: _key_fault(name, path) for name, path in _key_files(settings).items()}
    return [f"{ENV_PREFIX}{name.upper()}: {_detailed(fault)}" for name, fault in faults.items() if fault is not None]


def _key_files(settings: Settings) -> dict[str, Path]:
    files = dict(settings.key_files)
    if settings.next_session_key_file is not None and settings.next_session_key_file.exists():
        files["next_session_key_file"] = settings.next_session_key_file
    return files


def _key_fault(name: str, path: Path) -> OSError | ValueError | None:
    try:
        _WELL_FORMED[name](path)
    except (OSError, ValueError) as fault:
        return fault
    return None


def _told(fault: OSError | ValueError | None) -> str:
    if fault is None:
        return OK
    # The faults' own messages name the files.
    return "the file cannot be read" if isinstance(fault, OSError) else "the file does not hold what it should"


def _detailed(fault: OSError | ValueError) -> str:
    return f"{fault.filename} cannot be read: {fault.strerror}" if isinstance(fault, OSError) else str(fault)


_WELL_FORMED: dict[str, Callable[[Path], object]] = {
    "private_key_file": load_private_key,
    "pat_file": lambda path: FileToken(path, TokenType.PAT),
    "oauth_token_file": lambda path: FileToken(path, TokenType.OAUTH),
    "session_key_file": lambda path: session_key(path, path.read_bytes()),
    "next_session_key_file": lambda path: session_key(path, path.read_bytes()),
    "client_key_file": lambda path: text_key(path, path.read_bytes()),
}
"""What reads a file, and raises OSError or ValueError when the proxy could not use it."""


@blueprint.get("/livez")
def livez() -> Response:
    """The process is alive."""
    return _json(Health(status="ok"))


@blueprint.get("/readyz")
def readyz() -> Response:
    """The proxy can serve; 503 with the reasons when it cannot."""
    checks = _readiness().checks()
    if all(result == OK for result in checks.values()):
        return _json(Health(status="ok", checks=checks))
    return _json(Health(status="failing", checks=checks), 503)


@blueprint.get("/status")
def status() -> Response:
    """Version, mode, limits, and what is wrong upstream."""
    return _json(status_of(parts()))


def status_of(wired: Parts) -> Status:
    """What a process with these parts says of itself."""
    settings = wired.settings
    return Status(
        version=VERSION,
        mode=mode_of(settings),
        environment=settings.environment,
        session_issue="open" if settings.environment == "development" else "client-key",
        agent=settings.run_path,
        draining=not wired.lifecycle.is_ready,
        store=store_kind(settings),
        breakers={str(surface): breaker.state.value for surface, breaker in wired.cortex.breakers.items()},
        limits={
            "processes": settings.processes,
            "streams": settings.max_streams,
            "streamBytes": settings.max_stream_bytes,
            "resultBytes": settings.max_result_bytes,
            "requestTimeoutS": settings.request_timeout_s,
            "tokenLifetimeS": settings.token_lifetime_s,
            "sessionLimitS": settings.session_limit_s,
            "historyDays": settings.history_days,
            "historyTurns": settings.history_turns,
            "drainS": settings.drain_s,
        },
        endpoints={to_camel(name): _endpoint(policy) for name, policy in settings.policies},
    )


def mode_of(settings: Settings) -> Literal["live", "rehearsal"]:
    """What stands upstream."""
    return "live" if settings.is_live else "rehearsal"


def store_kind(settings: Settings) -> Literal["sqlite", "redis", "memory"]:
    """Where the history is kept."""
    if settings.redis_url is not None:
        return "redis"
    return "memory" if str(settings.history_file) == ":memory:" else "sqlite"


def _endpoint(policy: Policy) -> EndpointLimits:
    return EndpointLimits(
        requests=policy.rate,
        window_s=policy.window_s,
        burst=policy.burst,
        burst_s=policy.burst_s,
        at_once=policy.at_once,
        body_bytes=policy.body_bytes,
        deadline_s=policy.deadline_s,
    )


def _readiness() -> Readiness:
    """The application's own, made by the first probe."""
    made: Readiness | None = current_app.extensions.get(EXTENSION)
    if made is None:
        wired = parts()
        fresh = Readiness(
            wired.settings,
            wired.lifecycle,
            wired.history.store.check,
            wired.cortex.breakers,
            on_store=lambda works: wired.telemetry.store_used(Store.HISTORY, works=works),
        )
        made = current_app.extensions.setdefault(EXTENSION, fresh)  # of two first probes, one wins
    return made


def _json(model: Health | Status, code: int = 200) -> Response:
    body = model.model_dump_json()
    return Response(body, code, content_type="application/json", headers={"Cache-Control": "no-store"})
