"""Client metrics: what fits the table is measured, the rest is counted, and nothing a page sends makes a series."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from werkzeug.test import TestResponse

from contracts.api import ClientMetric, ClientMetricName, MetricsReceipt, PageErrorKind, ProblemType, StreamOutcome
from contracts.telemetry import DropReason
from proxy import problems, reports
from proxy.limits import MemoryLeases, MemoryRateLimiter
from proxy.parts import EXTENSION
from proxy.policies import Policies, Policy
from proxy.problems import ProblemError
from proxy.reports import ACCEPTED, misfit
from proxy.telemetry import Telemetry
from proxy.tests.conftest import MakeSettings

PATH = "/api/v1/metrics/report"
OFTEN = Policy(rate=100_000, burst=100_000, at_once=4, body_bytes=64 * 1024)


class Tokens:
    """Stands in for the token service: it knows one token."""

    def authenticate(self, authorization: str | None) -> SimpleNamespace:
        """The session of the one token."""
        if authorization is None:
            raise ProblemError(ProblemType.TOKEN_MISSING, "Send the token.")
        if authorization != "Bearer good":
            raise ProblemError(ProblemType.TOKEN_INVALID, "Get another one.")
        return SimpleNamespace(session_id="s", subject="anna")


class Page:
    """A page that reports, and what the proxy has measured of it."""

    def __init__(self, telemetry: Telemetry, reader: InMemoryMetricReader, policy: Policy) -> None:
        self._reader = reader
        app = Flask("reports")
        app.extensions[EXTENSION] = SimpleNamespace(
            settings=SimpleNamespace(policies=Policies(report=policy)),
            tokens=Tokens(),
            telemetry=telemetry,
            limiter=MemoryRateLimiter(),
            leases=MemoryLeases(),
        )
        problems.register(app)
        app.register_blueprint(reports.blueprint, url_prefix="/api/v1")
        self.client = app.test_client()

    def send(
        self, body: str | bytes, media_type: str = "application/json", bearer: str | None = "good"
    ) -> TestResponse:
        """The answer to a body."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.client.post(PATH, data=body, content_type=media_type, headers=headers)

    def report(self, *metrics: dict[str, Any]) -> tuple[int, int]:
        """How many measurements of a report were accepted and dropped."""
        response = self.send(json.dumps({"metrics": metrics}))
        assert (response.status_code, response.content_type) == (202, "application/json")
        receipt = MetricsReceipt.model_validate_json(response.data)
        return receipt.accepted, receipt.dropped

    def series(self) -> dict[tuple[str, str], Any]:
        """All series by name and label values: a counter's value, a histogram's count and sum."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            (metric.name, ",".join(str(value) for value in (point.attributes or {}).values())): (
                point.value if hasattr(point, "value") else (point.count, point.sum)
            )
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
            for point in metric.data.data_points
        }

    def moved(self) -> dict[tuple[str, str], Any]:
        """The series of pages that are not at zero."""
        prefix = "cortex_proxy_client_"
        return {
            (name.removeprefix(prefix), label): value
            for (name, label), value in self.series().items()
            if name.startswith(prefix) and value != 0
        }


@pytest.fixture
def telemetry_and_reader(make_settings: MakeSettings) -> Iterator[tuple[Telemetry, InMemoryMetricReader]]:
    """Started telemetry, and what reads it."""
    reader = InMemoryMetricReader()
    telemetry = Telemetry(make_settings(), readers=(reader,))
    telemetry.start()
    yield telemetry, reader
    telemetry.shutdown(5)


@pytest.fixture
def sender(telemetry_and_reader: tuple[Telemetry, InMemoryMetricReader]) -> Page:
    """A page that may report as often as it likes."""
    return Page(*telemetry_and_reader, OFTEN)


def test_measurements_become_metrics(sender: Page) -> None:
    """Each of the listed ones arrives in its own metric."""
    counts = sender.report(
        {"name": "time_to_first_token_s", "value": 0.5},
        {"name": "stall_s", "value": 2},
        {"name": "lcp_s", "value": 1.5},
        {"name": "inp_s", "value": 0.1},
        {"name": "cls", "value": 0.02},
        {"name": "stream_outcome", "label": "aborted"},
        {"name": "page_error", "value": 1, "label": "script"},
    )
    assert counts == (7, 0)
    assert sender.moved() == {
        ("time_to_first_token_seconds", ""): (1, 0.5),
        ("stall_seconds", ""): (1, 2),
        ("lcp_seconds", ""): (1, 1.5),
        ("inp_seconds", ""): (1, 0.1),
        ("cls", ""): (1, 0.02),
        ("stream_outcome_total", "aborted"): 1,
        ("page_errors_total", "script"): 1,
    }


def test_what_does_not_fit_is_counted_and_dropped(sender: Page) -> None:
    """The rest of the report is taken in all the same, and the page is told how much."""
    counts = sender.report(
        {"name": "fcp_s", "value": 0.5},
        {"name": "lcp_s", "value": -1},
        {"name": "lcp_s", "value": 1e9},
        {"name": "stream_outcome", "label": "great"},
        {"name": "lcp_s", "value": 1},
    )
    assert counts == (1, 4)
    assert sender.moved() == {
        ("lcp_seconds", ""): (1, 1),
        ("metrics_dropped_total", "unknown"): 1,
        ("metrics_dropped_total", "bounds"): 2,
        ("metrics_dropped_total", "label"): 1,
    }


TIMES = [
    ClientMetricName.TIME_TO_FIRST_TOKEN,
    ClientMetricName.STALL,
    ClientMetricName.LCP,
    ClientMetricName.INP,
]
COUNTED = {ClientMetricName.STREAM_OUTCOME: StreamOutcome, ClientMetricName.PAGE_ERROR: PageErrorKind}


def test_the_table_is_complete() -> None:
    """Every metric of the contract has its row."""
    assert set(ACCEPTED) == set(ClientMetricName) == {*TIMES, ClientMetricName.CLS, *COUNTED}


@pytest.mark.parametrize(
    ("names", "value", "label", "reason"),
    [
        pytest.param(TIMES, 0.0, None, None, id="no time at all"),
        pytest.param(TIMES, 600.0, None, None, id="ten minutes"),
        pytest.param(TIMES, 600.001, None, DropReason.BOUNDS, id="longer"),
        pytest.param(TIMES, -0.001, None, DropReason.BOUNDS, id="negative"),
        pytest.param(TIMES, float("nan"), None, DropReason.BOUNDS, id="no number"),
        pytest.param(TIMES, float("inf"), None, DropReason.BOUNDS, id="infinite"),
        pytest.param(TIMES, float("-inf"), None, DropReason.BOUNDS, id="infinitely negative"),
        pytest.param(TIMES, 1.0, "completed", DropReason.LABEL, id="a label too many"),
        pytest.param(TIMES, 1.0, "", DropReason.LABEL, id="an empty label too many"),
        pytest.param([ClientMetricName.CLS], 10.0, None, None, id="worst score"),
        pytest.param([ClientMetricName.CLS], 10.1, None, DropReason.BOUNDS, id="beyond the worst score"),
        pytest.param(COUNTED, 1.0, None, DropReason.LABEL, id="no label"),
        pytest.param(COUNTED, 1.0, "", DropReason.LABEL, id="an empty label"),
        pytest.param(COUNTED, 1.0, "Completed", DropReason.LABEL, id="another case"),
        pytest.param(COUNTED, 1.0, "COMPLETED", DropReason.LABEL, id="the member's name"),
        pytest.param(COUNTED, 2.0, "completed", DropReason.BOUNDS, id="two at once"),
        pytest.param(COUNTED, 0.0, "completed", DropReason.BOUNDS, id="none"),
    ],
)
def test_bounds_and_labels(names: Any, value: float, label: str | None, reason: DropReason | None) -> None:
    """The table's edges, from both sides."""
    for name in names:
        measured = ClientMetric.model_construct(name=name.value, value=value, label=label)
        assert misfit(measured) == reason


def test_every_listed_label_fits() -> None:
    """Outcomes and errors of the contract are taken in."""
    for name, labels in COUNTED.items():
        for label in labels:
            assert misfit(ClientMetric.model_construct(name=name.value, value=1.0, label=label.value)) is None


@pytest.mark.parametrize("name", ["LCP", "lcp_s ", "TIME_TO_FIRST_TOKEN", "lcp_s\n", "__class__", "x"])
def test_near_names_are_unknown(name: str) -> None:
    """Only the exact name counts."""
    assert misfit(ClientMetric.model_construct(name=name, value=1.0, label=None)) is DropReason.UNKNOWN


def test_floods_make_no_series(sender: Page) -> None:
    """Ten thousand names and ten thousand labels later there are as many series as before."""
    before = set(sender.series())
    for begin in range(0, 10_000, 50):
        numbers = range(begin, begin + 50)
        assert sender.report(*({"name": f"metric_{n}", "value": n} for n in numbers)) == (0, 50)
        assert sender.report(*({"name": "page_error", "label": f"kind {n}"} for n in numbers)) == (0, 50)
    assert set(sender.series()) == before
    assert sender.moved() == {
        ("metrics_dropped_total", "unknown"): 10_000,
        ("metrics_dropped_total", "label"): 10_000,
    }


BEACON = {"metrics": [{"name": "lcp_s", "value": 1}], "token": "good"}


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "text/plain;charset=UTF-8"])
def test_a_beacon_brings_its_token_in_the_body(sender: Page, media_type: str) -> None:
    """`sendBeacon` can set no header; both types that it may send are read as JSON."""
    assert sender.send(json.dumps(BEACON), media_type, bearer=None).status_code == 202


@pytest.mark.parametrize(
    ("header", "in_body", "problem"),
    [
        pytest.param(None, None, ProblemType.TOKEN_MISSING, id="neither"),
        pytest.param(None, "bad", ProblemType.TOKEN_INVALID, id="bad body"),
        pytest.param("bad", "good", ProblemType.TOKEN_INVALID, id="the header wins"),
        pytest.param("bad", None, ProblemType.TOKEN_INVALID, id="bad header"),
    ],
)
def test_who_reports_is_known(sender: Page, header: str | None, in_body: str | None, problem: ProblemType) -> None:
    """Without a valid token nothing is measured, and nothing counted."""
    body = {key: value for key, value in (BEACON | {"token": in_body}).items() if value is not None}
    response = sender.send(json.dumps(body), bearer=header)
    assert (response.status_code, response.get_json()["type"].rpartition("/")[2]) == (401, problem)
    assert sender.moved() == {}


def test_a_good_header_needs_no_token_in_the_body(sender: Page) -> None:
    """A token in the body is not even looked at beside a header."""
    assert sender.send(json.dumps(BEACON | {"token": "bad"}), bearer="good").status_code == 202


def test_a_token_in_the_address_is_none(sender: Page) -> None:
    """Addresses are logged and remembered everywhere, so a token there is not accepted."""
    response = sender.client.post(f"{PATH}?token=good", json={"metrics": BEACON["metrics"]})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        pytest.param(b"", "application/json", 400, id="nothing"),
        pytest.param(b"{", "text/plain", 400, id="no JSON"),
        pytest.param(b"\xff", "text/plain", 400, id="no text"),
        pytest.param(b'{"metrics":[{"name":"lcp_s","value":NaN}]}', "application/json", 400, id="JSON has no NaN"),
        pytest.param(b"{}", "application/json", 422, id="no metrics"),
        pytest.param(b'{"metrics":[]}', "application/json", 422, id="empty"),
        pytest.param(b'{"metrics":[{"name":"lcp_s","value":"1"}]}', "application/json", 422, id="a word for a number"),
        pytest.param(b'{"metrics":[{"name":"lcp_s","unit":"s"}]}', "application/json", 422, id="unknown field"),
        pytest.param(b'{"metrics":[{"value":1}]}', "application/json", 422, id="nameless"),
        pytest.param(b'{"metrics":[' + b'{"name":"cls"},' * 50 + b'{"name":"cls"}]}', "text/plain", 422, id="too many"),
        pytest.param(b'{"metrics":[{"name":"lcp_s"}]}', "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b'{"metrics":[{"name":"lcp_s"}]}', "text/html", 415, id="a page"),
        pytest.param(b" " * 70_000, "text/plain", 413, id="too large"),
    ],
)
def test_malformed_bodies_are_refused(sender: Page, body: bytes, media_type: str, status: int) -> None:
    """Only what is no report at all is an error."""
    assert sender.send(body, media_type).status_code == status
    assert sender.moved() == {}


def test_a_page_may_not_report_without_end(telemetry_and_reader: tuple[Telemetry, InMemoryMetricReader]) -> None:
    """Past the endpoint's rate, reports are refused unread."""
    sender = Page(*telemetry_and_reader, OFTEN.model_copy(update={"rate": 2}))
    statuses = [sender.send(json.dumps(BEACON)).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]
    assert sender.moved() == {("lcp_seconds", ""): (2, 2)}
