"""`create_app(settings)`: the one place where the proxy's parts are wired."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from contracts.api import PREFIX
from proxy import chat, health, page, problems, session
from proxy.breaker import State
from proxy.cortex import CortexClient
from proxy.hosts import check_host
from proxy.parts import EXTENSION, Parts, StreamSlots, parts
from proxy.relay import Limits
from proxy.settings import Settings
from proxy.telemetry import Tracing, trace_id_of
from proxy.tokens import TokenService

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def create_app(settings: Settings) -> Flask:
    """A ready WSGI application.   Raises: OSError, ValueError for a key file that is missing or no key."""
    app = Flask("cortex-proxy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.policies.largest_body_bytes()
    app.extensions[EXTENSION] = Parts(
        settings=settings,
        tokens=TokenService(settings),
        cortex=CortexClient(settings, _Unobserved()),
        tracing=Tracing(with_baggage=settings.environment == "development"),
        slots=StreamSlots(settings.max_streams),
        limits=Limits(
            settings.heartbeat_s, settings.policies.chat.deadline_s, settings.slow_client_s, settings.max_stream_bytes
        ),
    )
    problems.register(app)
    app.before_request(_open_request)
    app.before_request(check_host)  # after the line above, which gives refusals their ids
    app.after_request(_close_request)
    app.register_blueprint(session.blueprint, url_prefix=PREFIX)
    app.register_blueprint(chat.blueprint, url_prefix=PREFIX)
    # Probes ask at the root; gateways that route only the prefix find the same below it.
    app.register_blueprint(health.blueprint)
    app.register_blueprint(health.blueprint, url_prefix=PREFIX, name="health_api")
    if settings.page_dir is not None:
        app.register_blueprint(page.blueprint)
    return app


class _Unobserved:
    def upstream_attempt(self, surface: str, outcome: str) -> None: ...
    def retried(self, surface: str, reason: str) -> None: ...
    def budget_denied(self, surface: str) -> None: ...
    def breaker_changed(self, surface: str, state: State) -> None: ...


def _open_request() -> None:
    asked_id = request.headers.get("X-Request-Id", "")
    g.request_id = asked_id if REQUEST_ID.fullmatch(asked_id) else uuid.uuid4().hex
    g.started_s = time.monotonic()
    route = request.url_rule.rule if request.url_rule else "unmatched"
    g.span, g.context = parts().tracing.start(f"{request.method} {route}", request.headers.items())
    g.trace_id = trace_id_of(g.span)


def _close_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Trace-Id"] = g.trace_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    if not g.get("streaming"):
        g.span.end()
    log.info(
        "request",
        requestId=g.request_id,
        traceId=g.trace_id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else "unmatched",
        status=response.status_code,
        problem=g.get("problem"),
        durationMs=round((time.monotonic() - g.started_s) * 1000, 1),
    )
    return response
