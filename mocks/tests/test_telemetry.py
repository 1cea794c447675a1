"""What the mock measures of itself: bounded numbers, read by Prometheus, and nothing at all unless asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.telemetry import FAULT_KINDS, MOCK_METRICS, MOCK_OUTCOMES, MOCK_SURFACES, MetricKind, Signal
from mocks import telemetry
from mocks.cassette import Frame
from mocks.journal import OUTCOMES, Entry, Journal
from mocks.route import Surface
from mocks.telemetry import (
    Buckets,
    Counts,
    MetricsPortError,
    MetricsServer,
    Schedule,
    Series,
    Telemetry,
    exchange,
    fault_kinds,
    is_sampled,
    parent_of,
    running,
    surface_of,
)
from mocks.tests.running import KeyPair, until
from mocks.tests.running import running as running_mock

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collected:
    """An exporter that keeps what it is given, or takes nothing."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes, self.batches, self.is_closed = takes, list[list[telemetry.Exchange]](), False
        self.snapshots: list[list[Series | Buckets]] = []

    def spans(self, batch: list[telemetry.Exchange]) -> bool:
        self.batches.append(batch)
        return self.takes

    def metrics(self, snapshot: list[Series | Buckets]) -> bool:
        self.snapshots.append(snapshot)
        return self.takes

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def counts() -> Counts:
    """Nothing counted yet; one scenario is loaded."""
    return Counts(["throttled"])


def ended(counts: Counts, *, late_ms: tuple[float, ...] = (), pace: float = 1.0, **facts: Any) -> Entry:
    """An agent's exchange that was answered, unless facts say otherwise, and has been counted."""
    journal = Journal()
    journal.on_change.append(Telemetry(counts).changed)
    entry = journal.open("POST", "/api/v2/cortex/agent:run")
    entry.surface = Surface.AGENT
    entry.started_mono_s = 0.0
    for name, value in facts.items():
        setattr(entry, name, value)
    entry.answers(200, [Frame(0.0, b"data: x\n\n") for _ in late_ms], pace)
    for number, late in enumerate(late_ms):
        entry.sent(number + 1, late / 1000)
    entry.close("answered")
    return entry


def value(counts: Counts, name: str, *labels: str) -> int:
    """One series' number."""
    found = {each.metric.name: each for each in counts.snapshot()}[f"cortex_mock_{name}"]
    assert isinstance(found, Series)
    return found.values[labels]


def lateness(counts: Counts) -> Buckets:
    """The histogram."""
    return next(each for each in counts.snapshot() if isinstance(each, Buckets))


def test_an_exchange_is_counted_once_it_has_ended(counts: Counts) -> None:
    """By surface and outcome; its frames by surface."""
    ended(counts, late_ms=(1.0, 2.0), cassette="agents/x")
    assert value(counts, "requests_total", "agent", "answered") == 1
    assert value(counts, "matches_total", "agent") == 1
    assert value(counts, "misses_total", "agent") == 0
    assert value(counts, "frames_total", "agent") == 2
    assert value(counts, "requests_total", "sql", "answered") == 0


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_counted(counts: Counts, outcome: str) -> None:
    """None is `other`."""
    ended(counts, outcome=outcome)
    assert value(counts, "requests_total", "agent", outcome) == 1


def test_a_miss_is_counted(counts: Counts) -> None:
    """Whatever was answered in its place."""
    ended(counts, nearest=[{"cassette": "agents/x"}])
    assert (value(counts, "misses_total", "agent"), value(counts, "matches_total", "agent")) == (1, 0)


@pytest.mark.parametrize(
    ("scenario", "fault", "series"),
    [
        pytest.param("throttled", {"respond": {"status": 429}}, [("throttled", "respond")], id="a-scenarios"),
        pytest.param(None, {"stall": {}, "cut": {}}, [("none", "stall"), ("none", "cut")], id="two-kinds"),
        pytest.param("no-file", {"cut": {}}, [("other", "cut")], id="unknown-scenario"),
        pytest.param(
            None,
            {"in_order": [{"cut": {}}, {"delay": {}}, {"cut": {}}]},
            [("none", "cut"), ("none", "delay")],
            id="in-order",
        ),
        pytest.param(None, {"seed": 5, "on": ["agent"]}, [], id="no-kind"),
    ],
)
def test_faults_are_counted_by_scenario_and_kind(
    counts: Counts, scenario: str | None, fault: dict[str, Any], series: list[tuple[str, str]]
) -> None:
    """Names of files that are not loaded are no labels."""
    ended(counts, scenario=scenario, fault=fault)
    found = {each.metric.name: each for each in counts.snapshot()}["cortex_mock_faults_total"]
    assert isinstance(found, Series)
    assert dict(found.values) == dict.fromkeys(series, 1)


def test_lateness_falls_into_buckets(counts: Counts) -> None:
    """A bound is within its bucket; sum, least and most are seconds."""
    ended(counts, late_ms=(0.1, 0.25, 4.0, 9000.0))
    found = lateness(counts)
    filled = {bound: count for bound, count in zip((*found.metric.buckets, "more"), found.counts, strict=True) if count}
    assert filled == {0.00025: 2, 0.005: 1, "more": 1}
    assert found.total_s == pytest.approx(9.00435)
    assert found.least_s == pytest.approx(0.0001)
    assert found.most_s == pytest.approx(9.0)


def test_at_pace_0_no_frame_is_late(counts: Counts) -> None:
    """There is no schedule to be behind."""
    ended(counts, late_ms=(5.0, 5.0), pace=0)
    assert sum(lateness(counts).counts) == 0
    assert value(counts, "frames_total", "agent") == 2


def test_answers_being_sent_are_counted() -> None:
    """Up when an answer begins, down when it ends; one that broke off before never went up."""
    counts, journal = Counts([]), Journal()
    journal.on_change.append(Telemetry(counts).changed)
    first, second = (journal.open("POST", "/x") for _ in range(2))
    first.answers(200, [], 1.0)
    assert value(counts, "streams_active") == 1
    second.close("client_gone")
    assert value(counts, "streams_active") == 1
    first.close("answered")
    assert value(counts, "streams_active") == 0


@pytest.mark.parametrize(
    ("surface", "label"),
    [(Surface.AGENT, "agent"), ("sql", "sql"), (None, "none"), (Surface.ADMIN, "other"), ("made-up", "other")],
    ids=["member", "word", "no-route", "admin", "unknown"],
)
def test_a_surface_is_a_plain_word(surface: str | None, label: str) -> None:
    """A member of an enumeration would make another series."""
    entry = Journal().open("GET", "/x")
    entry.surface = surface
    assert (type(surface_of(entry)), surface_of(entry)) == (str, label)


def test_the_catalogue_knows_every_label() -> None:
    """Surfaces but the mock's own, outcomes, and every kind of fault."""
    assert set(MOCK_SURFACES) == {each.value for each in Surface} - {"admin"} | {"none"}
    assert MOCK_OUTCOMES == OUTCOMES
    assert fault_kinds(dict.fromkeys(FAULT_KINDS)) == list(FAULT_KINDS)


def test_nothing_is_kept_of_an_entry(counts: Counts) -> None:
    """A span's facts are plain values, so that bodies do not live on in the queue."""
    facts = exchange(ended(counts, late_ms=(1.0,), cassette="agents/x", interaction=3, fault={"cut": {}, "stall": {}}))
    assert all(type(each) in (str, int, float, type(None)) for each in facts)
    assert (facts.cassette, facts.interaction, facts.fault, facts.frames) == ("agents/x", 3, "stall,cut", 1)
    assert facts.ended_s >= facts.started_s


@pytest.mark.parametrize(
    ("traceparent", "flags"),
    [
        pytest.param(PARENT, 1, id="sampled"),
        pytest.param(PARENT[:-2] + "00", 0, id="not-sampled"),
        pytest.param("cc" + PARENT[2:] + "-more", 1, id="a-later-version"),
        pytest.param(PARENT + "-more", None, id="more-than-its-version-has"),
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("ff" + PARENT[2:], None, id="forbidden-version"),
        pytest.param(PARENT.upper(), None, id="upper-case"),
        pytest.param(f"00-{'0' * 32}-b7ad6b7169203331-01", None, id="no-trace"),
        pytest.param(f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", None, id="no-span"),
        pytest.param("x" * 500, None, id="nonsense"),
    ],
)
def test_a_callers_trace_is_continued(traceparent: str | None, flags: int | None) -> None:
    """What is no traceparent is none; a trace that its caller does not record is not recorded here."""
    found = parent_of(traceparent)
    assert found == (None if flags is None else (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, flags))
    assert is_sampled(traceparent) == (flags != 0)


def test_spans_wait_for_a_collector(counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many; the rest is counted. What waits is sent at the end, the numbers with it."""
    monkeypatch.setattr(telemetry, "MAX_WAITING_SPANS", 2)
    collector = Collected()
    measured = Telemetry(counts, collector)  # type: ignore[arg-type]
    journal = Journal()
    journal.on_change.append(measured.changed)
    for path, parent in (("/a", PARENT), ("/quiet", PARENT[:-2] + "00"), ("/b", None), ("/c", None)):
        entry = journal.open("POST", path)
        entry.asked_by(None, parent)
        entry.close("answered")
    assert value(counts, "telemetry_dropped_total", "traces") == 1
    measured.start()
    measured.stop()
    assert [[each.path for each in batch] for batch in collector.batches] == [["/a", "/b"]]
    assert collector.is_closed
    assert collector.snapshots


def test_a_batch_is_small_until_the_end(counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy mock's spans wait, so that making them takes little of a core; the last batch is all that waits."""
    monkeypatch.setattr(telemetry, "BATCH_SPANS", 2)
    monkeypatch.setattr(telemetry, "EXPORT_EVERY_S", 0.01)
    collector = Collected()
    measured = Telemetry(counts, collector)  # type: ignore[arg-type]
    entry = Journal().open("POST", "/x")
    for _ in range(5):
        measured.changed("ended", entry)
    measured.start()
    until(lambda: collector.batches or None)
    measured.stop()
    assert len(collector.batches[0]) == 2
    assert sum(map(len, collector.batches)) == 5


@pytest.mark.parametrize(("spent_s", "pause_s"), [(0.0, 0.25), (0.002, 0.25), (0.01, 1.0), (0.05, 5.0)])
def test_exporting_takes_a_hundredth_of_a_core(spent_s: float, pause_s: float) -> None:
    """What was dear is done less often; what is cheap, four times a second."""
    assert Schedule().pause_s(spent_s) == pytest.approx(pause_s)


def test_whoever_wants_it_sooner_says_so() -> None:
    """By OpenTelemetry's own variables, in milliseconds; a delay that is named is kept, whatever it takes."""
    named = Schedule.of({"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_METRIC_EXPORT_INTERVAL": "250"})
    assert (named.pause_s(0.0), named.pause_s(9.0), named.metrics_s) == (0.05, 0.05, 0.25)
    assert Schedule.of({"OTEL_METRIC_EXPORT_INTERVAL": ""}) == Schedule()


@pytest.mark.parametrize("text", ["soon", "0", "-5", "nan", "inf"])
def test_a_delay_is_a_time(text: str) -> None:
    """What is none is refused at the start, with the variable's name."""
    with pytest.raises(ValueError, match=f"OTEL_BSP_SCHEDULE_DELAY={text}: milliseconds"):
        Schedule.of({"OTEL_BSP_SCHEDULE_DELAY": text})


def test_what_no_collector_takes_is_counted(counts: Counts) -> None:
    """Spans one by one, numbers by the batch."""
    measured = Telemetry(counts, Collected(takes=False))  # type: ignore[arg-type]
    journal = Journal()
    journal.on_change.append(measured.changed)
    for _ in range(3):
        journal.open("POST", "/x").close("answered")
    measured.start()
    measured.stop()
    assert value(counts, "telemetry_dropped_total", "traces") == 3
    assert value(counts, "telemetry_dropped_total", "metrics") >= 1


def test_without_a_collector_there_are_no_spans(counts: Counts) -> None:
    """Nothing waits for nobody, and no thread runs."""
    measured = Telemetry(counts)
    measured.start()
    entry = Journal().open("POST", "/x")
    measured.changed("ended", entry)
    assert not measured._waiting
    measured.stop()
    assert value(counts, "telemetry_dropped_total", "traces") == 0


def test_drops_are_counted_by_signal(counts: Counts) -> None:
    """Traces and metrics apart."""
    counts.dropped(Signal.METRICS, 2)
    assert value(counts, "telemetry_dropped_total", "metrics") == 2
    assert value(counts, "telemetry_dropped_total", "traces") == 0


# --- /metrics


@pytest.fixture
def served(counts: Counts) -> Iterator[MetricsServer]:
    """A server of these counts on a free port."""
    server = MetricsServer("127.0.0.1", 0, counts)
    server.start()
    yield server
    server.stop()


def scraped(port: int, path: str = "/metrics", method: str = "GET", accept: str = "") -> tuple[int, str, str]:
    """Status, content type and text."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers={"Accept": accept} if accept else {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.getheader("Content-Type", ""), text


def test_every_metric_is_exposed(served: MetricsServer, counts: Counts) -> None:
    """By the catalogue's names and help; counters begin at zero."""
    ended(counts, late_ms=(1.0, 1.0, 600.0), scenario="throttled", fault={"cut": {}})
    status, kind, text = scraped(served.server_port)
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert "_created" not in text
    found = {family.name: family for family in text_string_to_metric_families(text)}
    for metric in MOCK_METRICS:
        family = found[metric.exposed.removesuffix("_total")]
        assert family.documentation == metric.help
        assert family.type == {MetricKind.UP_DOWN_COUNTER: "gauge"}.get(metric.kind, metric.kind.value)
    samples = {
        (each.name, *sorted(each.labels.items())): each.value for family in found.values() for each in family.samples
    }
    assert samples["cortex_mock_requests_total", ("outcome", "answered"), ("surface", "agent")] == 1
    assert samples["cortex_mock_requests_total", ("outcome", "failed"), ("surface", "sql")] == 0
    assert samples["cortex_mock_faults_total", ("kind", "cut"), ("scenario", "throttled")] == 1
    buckets = {
        each: samples["cortex_mock_frame_lateness_seconds_bucket", ("le", each)]
        for each in ("0.00075", "0.0015", "0.5", "+Inf")
    }
    assert buckets == {"0.00075": 0, "0.0015": 2, "0.5": 2, "+Inf": 3}
    assert samples[("cortex_mock_frame_lateness_seconds_count",)] == 3
    assert samples[("cortex_mock_frame_lateness_seconds_sum",)] == pytest.approx(0.602)


def test_openmetrics_is_offered(served: MetricsServer) -> None:
    """To who asks for it, as Prometheus does."""
    _, kind, text = scraped(served.server_port, accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/metrics?x=1", "GET", 200), ("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 501)],
)
def test_only_metrics_are_there(served: MetricsServer, path: str, method: str, status: int) -> None:
    """Nothing of the mock's is behind this port."""
    assert scraped(served.server_port, path, method)[0] == status


def test_a_port_in_use_is_refused(served: MetricsServer, counts: Counts) -> None:
    """The error names the address."""
    with pytest.raises(MetricsPortError, match=rf"^metrics port 127.0.0.1:{served.server_port} cannot be used: "):
        MetricsServer("127.0.0.1", served.server_port, counts)
    with pytest.raises(MetricsPortError, match="70000"):
        MetricsServer("127.0.0.1", 70000, counts)


def test_an_endpoint_is_an_address() -> None:
    """The error names what was given."""
    with (
        pytest.raises(ValueError, match="OTLP endpoint 'localhost:4318' is no http:// or https:// address"),
        running([], [], metrics=None, otlp_endpoint="localhost:4318"),
    ):
        pass


def test_a_mock_counts_what_it_answers(keys: KeyPair, capfd: pytest.CaptureFixture[str]) -> None:
    """The port is told on stderr; the mock's own routes are not counted."""
    with running_mock(keys, metrics_port=0) as mock:
        told = re.search(
            r"^mock: metrics at http://127\.0\.0\.1:([0-9]+)/metrics$", capfd.readouterr().err, re.MULTILINE
        )
        assert told is not None
        assert mock.run(headers={"X-Test-Id": "counted"}).status == 200
        assert mock.run("Nobody asked this", headers={"X-Test-Id": "missed"}).status == 404
        for test_id in ("counted", "missed"):
            mock.ended(test_id)
        text = scraped(int(told[1]))[2]
    numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert numbers['cortex_mock_requests_total{outcome="answered",surface="agent"}'] == "1.0"
    assert numbers['cortex_mock_requests_total{outcome="missed",surface="agent"}'] == "1.0"
    assert numbers['cortex_mock_matches_total{surface="agent"}'] == "1.0"
    assert numbers['cortex_mock_misses_total{surface="agent"}'] == "1.0"
    assert float(numbers['cortex_mock_frames_total{surface="agent"}']) > 10
    assert float(numbers["cortex_mock_streams_active"]) == 0
    with pytest.raises(ConnectionRefusedError):
        scraped(int(told[1]))


@pytest.mark.parametrize(
    ("module", "imported"),
    [("mocks.server", ""), ("mocks.telemetry", "mocks.telemetry prometheus_client")],
    ids=["none", "metrics-alone"],
)
def test_only_what_is_asked_for_is_imported(module: str, imported: str) -> None:
    """Without a port and a collector nothing of this is; OpenTelemetry is for collectors alone."""
    program = (
        f"import sys, {module}\n"
        "wanted = ('mocks.otlp', 'mocks.telemetry', 'opentelemetry', 'prometheus_client')\n"
        "print(*(name for name in wanted if name in sys.modules))"
    )
    command = [sys.executable, "-c", program]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)  # noqa: S603 - ours
    assert done.stdout == f"{imported}\n"
