"""Queries are filled in as Grafana would, and answers read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dashboards.preview.ask import AskError, Span

_DAY_S = 86_400


def test_variables_are_those_of_the_span() -> None:
    """A week in 260 points: whole scrapes between them, and a rate over one more."""
    span = Span("", 0, 7 * _DAY_S, 120)
    filled = span.fill('rate(x{job=~"$job"}[$__rate_interval]) + ${__range} + $__range_s + $__interval + $unknown')
    assert filled == 'rate(x{job=~".+"}[2520s]) + 604800s + 604800 + 2400s + $unknown'


def test_the_rate_interval_holds_four_scrapes_at_least() -> None:
    """However short the span."""
    assert Span("", 0, 60, 15).fill("$__rate_interval") == "60s"


@pytest.fixture
def said() -> Iterator[tuple[str, dict[str, Any]]]:
    """A Prometheus that says one thing; and that thing, to be changed."""
    answer: dict[str, Any] = {"status": 200, "data": {}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"data": answer["data"]}).encode()
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answer
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("legend", "name"),
    [("{{job}} p95", "a p95"), ("{{nobody}}", ""), ("", '{job="a"}'), ("__auto", '{job="a"}')],
)
def test_a_series_is_named_by_the_legend(said: tuple[str, dict[str, Any]], legend: str, name: str) -> None:
    """Without one, by its labels."""
    url, answer = said
    answer["data"] = {"resultType": "matrix", "result": [{"metric": {"job": "a"}, "values": [[1, "2"], [2, "NaN"]]}]}
    (series,) = Span(url, 0, 60, 15).over("x", legend)
    assert (series.name, series.last) == (name, 2.0)


def test_a_refused_query_says_which(said: tuple[str, dict[str, Any]]) -> None:
    """And with what."""
    url, answer = said
    answer["status"] = 400
    with pytest.raises(AskError, match="rate\\(x\nwas answered with 400"):
        Span(url, 0, 60, 15).now("rate(x")


def test_nobody_there_is_an_error() -> None:
    """Not an empty answer."""
    with pytest.raises(AskError, match="does not answer"):
        Span("http://127.0.0.1:9", 0, 60, 15).now("up")
