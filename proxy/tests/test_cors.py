"""Pages of other origins: which may ask and read, and what every answer tells browsers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from proxy.cors import EXPOSED_HEADERS, add_cors, preflight, security_headers
from proxy.parts import EXTENSION
from proxy.tests.conftest import MakeSettings

PAGE = "https://app.example.com"
OTHER_PAGE = "http://localhost:5173"

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def make_client(make_settings: MakeSettings) -> MakeClient:
    """A client of a small application: `/turns/<name>` takes GET and DELETE, `/page` sets headers itself."""

    def make(origins: tuple[str, ...] = (PAGE, OTHER_PAGE), environment: str = "development") -> FlaskClient:
        app = Flask("small", static_folder=None)
        settings = make_settings(cors_origins=origins)
        app.extensions[EXTENSION] = SimpleNamespace(settings=settings.model_copy(update={"environment": environment}))
        app.before_request(preflight)
        app.after_request(add_cors)
        app.after_request(security_headers)
        app.add_url_rule("/turns/<name>", "turns", lambda name: name, methods=["GET", "DELETE"])
        app.add_url_rule("/page", "page", _page)
        return app.test_client()

    return make


def _page() -> Response:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'self'", "Vary": "Accept"}
    return Response("page", headers=headers)


def ask_first(client: FlaskClient, path: str = "/turns/1", origin: str = PAGE, method: str = "DELETE") -> TestResponse:
    """The answer to a browser that asks for leave."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.open(path, method="OPTIONS", headers=headers)


def cors_headers(response: TestResponse) -> set[str]:
    """The names of the CORS headers that it carries."""
    return {name for name in response.headers.keys() if name.startswith("Access-Control-")}  # noqa: SIM118 - a multi-dict


def test_a_preflight_names_what_the_route_takes(make_client: MakeClient) -> None:
    """A listed page learns the route's own methods, the headers it may send and for how long this holds."""
    response = ask_first(make_client())
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Access-Control-Allow-Methods"] == "DELETE, GET"
    allowed = response.headers["Access-Control-Allow-Headers"]
    assert allowed == "Authorization, Content-Type, X-Request-Id, traceparent, tracestate, baggage"
    assert response.headers["Access-Control-Max-Age"] == "600"
    assert "Origin" in response.vary


def test_in_production_a_page_chooses_no_scenario(make_client: MakeClient) -> None:
    """Baggage is for rehearsals; the client key is for servers, in every environment."""
    allowed = ask_first(make_client(environment="production")).headers["Access-Control-Allow-Headers"].lower()
    assert "baggage" not in allowed
    assert "x-client-key" not in allowed


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "https://sub.app.example.com",
        "https://app.example.com/",
        "https://app.example.com https://evil.example",
        "*",
        "",
    ],
)
@pytest.mark.parametrize("origins", [(PAGE,), ()], ids=["one listed", "none listed"])
def test_pages_of_other_origins_read_nothing(make_client: MakeClient, origin: str, origins: tuple[str, ...]) -> None:
    """Origins are compared whole: the answer is the ordinary one, without a CORS header, to the preflight as well."""
    client = make_client(origins)
    first = ask_first(client, origin=origin)
    assert (first.status_code, cors_headers(first)) == (204, set())
    response = client.get("/turns/1", headers={"Origin": origin})
    assert (response.status_code, response.data, cors_headers(response)) == (200, b"1", set())
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("origin", [PAGE, OTHER_PAGE])
@pytest.mark.parametrize(("path", "status"), [("/turns/1", 200), ("/nowhere", 404)], ids=["an answer", "an error"])
def test_a_listed_page_reads_answers_and_errors(make_client: MakeClient, origin: str, path: str, status: int) -> None:
    """Its own origin is named back, never a wildcard, with the headers that it may read; no cookies, ever."""
    response = make_client().get(path, headers={"Origin": origin})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Access-Control-Expose-Headers"] == ", ".join(EXPOSED_HEADERS)
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_answers_differ_by_origin_for_every_cache(make_client: MakeClient) -> None:
    """Whoever asked, caches keep one answer per origin; what a view varies by stays."""
    client = make_client()
    assert set(client.get("/page").vary) == {"accept", "origin"} or set(client.get("/page").vary) == {
        "Accept",
        "Origin",
    }
    assert "Origin" not in make_client(origins=()).get("/page").vary


def test_a_preflight_for_nothing_is_not_found(make_client: MakeClient) -> None:
    """An unknown address is a 404, which the listed page may read."""
    response = ask_first(make_client(), "/nowhere")
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (404, PAGE)
    assert "Access-Control-Allow-Methods" not in response.headers


def test_options_alone_is_no_preflight(make_client: MakeClient) -> None:
    """Without asking for a method it is the ordinary OPTIONS."""
    response = make_client().options("/turns/1", headers={"Origin": PAGE})
    assert "DELETE" in response.headers["Allow"]
    assert "Access-Control-Allow-Methods" not in response.headers


def test_every_answer_tells_browsers_to_be_careful(make_client: MakeClient) -> None:
    """No sniffing, no referrer, no framing, no caching, no use by other origins."""
    headers = make_client().get("/turns/1").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_a_view_says_stays(make_client: MakeClient) -> None:
    """The page's own policy and caching are not overwritten."""
    headers = make_client().get("/page").headers
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert headers["Cache-Control"] == "no-cache"


def test_only_https_is_made_to_last(make_client: MakeClient) -> None:
    """Strict transport is asked for where the transport is strict."""
    client = make_client()
    assert "Strict-Transport-Security" not in client.get("/page").headers
    assert "max-age=" in client.get("/page", base_url="https://localhost").headers["Strict-Transport-Security"]
