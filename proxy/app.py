"""`create_app(settings)`: the one place where the proxy's parts are wired."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from opentelemetry.trace import Status, StatusCode
from werkzeug.middleware.proxy_fix import ProxyFix

from contracts import traces
from contracts.api import PREFIX, ProblemType
from contracts.telemetry import HISTORY_WAITING, METHODS, OTHER, RETRY_BUDGET_LEFT, UNMATCHED, Store
from proxy import admission, chat, cors, health, history, openapi, page, problems, redis_client, reports, session, tools
from proxy.cortex import CortexClient
from proxy.hosts import check_host
from proxy.lifecycle import Lifecycle
from proxy.limits import Decision, MemoryLeases, MemoryRateLimiter, RedisLeases, RedisRateLimiter
from proxy.parts import EXTENSION, Parts, StreamSlots, parts
from proxy.settings import Settings
from proxy.store import RedisStore, SqliteStore
from proxy.telemetry import Telemetry, as_template, new_id, span_id_of, trace_id_of
from proxy.tokens import MemoryDenylist, RedisDenylist, TokenService
from proxy.watcher import ClientWatcher
from proxy.writer import HistoryWriter

log = structlog.get_logger(__name__)

LIMITED = (ProblemType.RATE_LIMITED, ProblemType.TOO_MANY_AT_ONCE, ProblemType.TOO_MANY_STREAMS)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def create_app(settings: Settings, telemetry: Telemetry | None = None) -> Flask:
    """A ready WSGI application; threads and ways out open with `start`.

    Raises: OSError, ValueError for a key file that is missing or no key; StoreError for a history that cannot be read.
    """
    app = Flask("cortex-proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.policies.largest_body_bytes()
    app.extensions[EXTENSION] = wire(settings, telemetry or Telemetry(settings))
    problems.register(app)
    app.before_request(_open_request)
    app.before_request(check_host)  # after the line above, which gives refusals their ids
    app.before_request(cors.preflight)
    for step in (_close_request, cors.security_headers, cors.add_cors, admission.add_rate_fields):  # last one first
        app.after_request(step)
    for room in (session, chat, tools, history, reports, openapi):
        app.register_blueprint(room.blueprint, url_prefix=PREFIX)
    # Probes ask at the root; gateways that route only the prefix find the same below it.
    app.register_blueprint(openapi.blueprint, name="openapi_root")
    app.register_blueprint(health.blueprint)
    app.register_blueprint(health.blueprint, url_prefix=PREFIX, name="health_api")
    if settings.page_dir is not None:
        app.register_blueprint(page.blueprint)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def wire(settings: Settings, telemetry: Telemetry) -> Parts:
    """The parts of one process, sharing what they count through Redis when there is one."""
    shared = redis_client.connect(settings.redis_url) if settings.redis_url else None

    def limits_used(works: bool) -> None:
        telemetry.store_used(Store.LIMITS, works=works)

    kept = settings.history_days, settings.history_turns
    store = SqliteStore(settings.history_file, *kept) if shared is None else RedisStore(shared, *kept)
    writer = HistoryWriter(
        store,
        on_stored=telemetry.history_stored,
        on_lost=telemetry.history_lost,
        on_write=telemetry.history_written,
    )
    cortex = CortexClient(settings, telemetry)
    telemetry.observe(HISTORY_WAITING, lambda: [({}, writer.waiting)])
    telemetry.observe(
        RETRY_BUDGET_LEFT, lambda: [({"surface": surface}, each.left()) for surface, each in cortex.budgets.items()]
    )
    return Parts(
        settings=settings,
        tokens=TokenService(settings, MemoryDenylist() if shared is None else RedisDenylist(shared, limits_used)),
        cortex=cortex,
        telemetry=telemetry,
        limiter=MemoryRateLimiter() if shared is None else RedisRateLimiter(shared, limits_used),
        leases=MemoryLeases() if shared is None else RedisLeases(shared, limits_used),
        slots=StreamSlots(settings.max_streams),
        history=writer,
        lifecycle=Lifecycle(settings.drain_s, settings.drain_notice_s),
        watcher=ClientWatcher(),
    )


def start(app: Flask) -> None:
    """Open what belongs into the process that serves, and have it closed in order when the process stops.

    Raises: MetricsPortError.
    """
    wired: Parts = app.extensions[EXTENSION]
    wired.telemetry.start()
    wired.history.start()
    wired.lifecycle.on_stop("history", wired.history.close)
    wired.lifecycle.on_stop("telemetry", wired.telemetry.shutdown)


def close(app: Flask) -> None:
    """Let go of an application that will not serve, or does not any more."""
    wired: Parts = app.extensions[EXTENSION]
    wired.history.close(1.0)
    wired.cortex.close()
    wired.telemetry.shutdown(1.0)


def _open_request() -> None:
    asked_id = request.headers.get("X-Request-Id", "")
    g.request_id = asked_id if REQUEST_ID.fullmatch(asked_id) else new_id()
    g.started_s = time.monotonic()
    g.route = as_template(request.url_rule.rule) if request.url_rule else UNMATCHED
    g.method = request.method if request.method in METHODS else OTHER  # any word may stand there
    g.span, g.context = parts().telemetry.tracing.start(f"{g.method} {g.route}", request.headers.items())
    g.trace_id = trace_id_of(g.span)
    g.test_id = parts().telemetry.tracing.test_id(g.context)
    attributes = {traces.METHOD: g.method, traces.ROUTE: g.route, traces.REQUEST_ID: g.request_id}
    if g.test_id is not None:
        attributes[traces.TEST_ID] = g.test_id
    g.span.set_attributes({attribute.name: value for attribute, value in attributes.items()})


def _close_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Trace-Id"] = g.trace_id
    telemetry, span, context, duration_s = parts().telemetry, g.span, g.context, time.monotonic() - g.started_s
    policy, problem, method = g.get("rate_name"), g.get("problem"), request.method
    decision: Decision | None = g.get("rate_decision")
    is_counted = policy is not None and problem is not ProblemType.STORE_UNAVAILABLE
    told = {
        "requestId": g.request_id,
        "traceId": g.trace_id,
        "spanId": span_id_of(span),
        "sessionId": g.get("session_id"),
        "method": g.method,
        "route": g.route,
        "status": response.status_code,
        "problem": problem,
        "policy": policy,
        "limitDecision": ("refused" if problem in LIMITED else "allowed") if is_counted else None,
        "tool": g.get("tool"),
        "retries": g.get("retries") or None,
        "upstreamCode": g.get("upstream_code"),
        "upstreamRequestId": response.headers.get("X-Upstream-Request-Id"),
        "headersMs" if "at_end" in g else "durationMs": round(duration_s * 1000, 1),
        "testId": g.test_id,
    }

    def account_for() -> None:
        telemetry.request_ended(told["route"], method, told["status"], duration_s, context)
        if is_counted:
            telemetry.limit_decided(told["policy"], allowed=problem not in LIMITED)
        if decision is not None:
            telemetry.limit_used(told["policy"], decision.used, context)
        span.set_attributes(_attributes(told))
        if told["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        log.info("request", **told)

    at_end: list[Callable[[], None]] | None = g.get("at_end")
    if at_end is None:
        account_for()
        span.end()
    else:
        at_end.append(account_for)  # nothing that can wait comes before a stream's first byte
    return response


def _attributes(told: Mapping[str, Any]) -> dict[str, str | int]:
    """What a response adds to the span of its request, out of what the log is told."""
    is_error = told["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR
    values = {
        traces.STATUS: told["status"],
        traces.PROBLEM: None if told["problem"] is None else str(told["problem"]),
        traces.UPSTREAM_REQUEST_ID: told["upstreamRequestId"],
        traces.ERROR_TYPE: str(told["status"]) if is_error else None,
    }
    return {attribute.name: value for attribute, value in values.items() if value is not None}
