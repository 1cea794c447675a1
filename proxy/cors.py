"""Which pages of other origins may read our answers, and the headers that every answer carries.

Origins are the setting's, compared whole: no wildcard, no pattern, and never `null`, which sandboxed frames and files
send. Credentials in the sense of CORS (cookies) are never allowed: tokens travel in a header that the page itself sets.

A page of any other origin gets the ordinary answer without a CORS header, and its browser keeps the answer from it.
So does its preflight: a 204 that allows nothing says no more about the proxy than a refusal would say, and needs no
second kind of answer.
"""

from __future__ import annotations

from flask import Response, current_app, request

from proxy.parts import parts
from proxy.settings import Settings

ALLOWED_HEADERS = ("Authorization", "Content-Type", "X-Request-Id", "traceparent", "tracestate")
"""What a page may send. Not the client key, which no browser ever holds."""

DEVELOPMENT_HEADERS = ("baggage",)
"""Chooses a scenario of the stand-in."""

EXPOSED_HEADERS = (
    "X-Request-Id",
    "X-Trace-Id",
    "X-Upstream-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
)
"""What a page may read."""

MAX_AGE_S = 600
"""How long a browser remembers a preflight's answer."""

HSTS = "max-age=31536000"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"

_UNNAMED = frozenset({"OPTIONS", "HEAD"})
"""Methods that pages need no leave for, or never ask for."""


def preflight() -> Response | None:
    """The answer to OPTIONS, a preflight or not, for a route that there is; None for all else, which goes on.

    For `before_request`, before anything that wants a token.
    """
    if request.method != "OPTIONS":
        return None
    methods = _methods()
    if not methods:
        return None  # the ordinary 404
    response = Response(status=204, headers={"Allow": ", ".join(methods)})
    del response.headers["Content-Type"]  # of nothing
    settings = parts().settings
    if "Access-Control-Request-Method" in request.headers and _allowed_origin(settings) is not None:
        headers = ALLOWED_HEADERS + (DEVELOPMENT_HEADERS if settings.environment == "development" else ())
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = ", ".join(headers)
        response.headers["Access-Control-Max-Age"] = str(MAX_AGE_S)
    return response


def add_cors(response: Response) -> Response:
    """The response, readable by the page that asked when its origin is one of the settings'. For `after_request`."""
    settings = parts().settings
    if settings.cors_origins:
        response.vary.add("Origin")  # in every answer, or a cache would hand one origin's to another
    origin = _allowed_origin(settings)
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
    return response


def security_headers(response: Response) -> Response:
    """The response with what browsers and caches are to know. For `after_request`; what a view has set stays."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    is_shared = _allowed_origin(parts().settings) is not None
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if is_shared else "same-origin")
    if request.is_secure:  # over plain HTTP browsers ignore it, and on this machine it would do harm
        headers["Strict-Transport-Security"] = HSTS
    return response


def _allowed_origin(settings: Settings) -> str | None:
    origin = request.headers.get("Origin")
    return origin if origin in settings.cors_origins else None


def _methods() -> list[str]:
    """What the asked address takes, in alphabetical order; empty when there is nothing."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None, "there is a request"
    return sorted(set(adapter.allowed_methods()) - _UNNAMED)
