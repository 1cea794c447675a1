"""`docs/telemetry.md`: every metric, span and log line, and where each metric is looked at; from the catalogues.

python -m dashboards.catalogue           write it
python -m dashboards.catalogue --check   exit 4 when it is not what would be written
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from contracts import telemetry, traces
from contracts.telemetry import LOADED, METRICS, MOCK_METRICS, OTHER, SUITE_METRICS, Metric, MetricKind
from dashboards import rules, sources, thresholds
from dashboards.check import promql
from dashboards.check.model import SEPARATOR, Documents
from dashboards.check.view import View, look
from dashboards.runbook_lint import BOARDS

PAGE = Path(__file__).parent.parent / "docs" / "telemetry.md"
RUNBOOKS = "../dashboards/runbooks"
EXIT_STALE = 4
FOLDED = 8
"""A label with more values than these shows them when asked to."""

_OPENING = f"""\
# Telemetry

Written by `python -m dashboards.catalogue` from `contracts/telemetry.py`, `contracts/traces.py`, the rules and the
generated dashboards; change those, not this page.

Instruments, dashboards, rules, runbooks and tests take their names from the same two files, so that a name that is
wrong in one place is wrong in a test. Every label has a closed list of values, because a series lives as long as its
process; what falls outside is written as `{OTHER}` and counted in `{telemetry.LABEL_OVERFLOW.exposed}`. No
question, subject, session or request is ever a label. One proxy process shows at most {thresholds.SERIES_BUDGET:,}
series.

## Two ways out

Both give series that the same queries find; dashboards and rules rely on nothing that only one of them has.
Prometheus takes OTLP itself since 2.47 (`--web.enable-otlp-receiver`), or through a collector.
"""

_WAYS = (
    ("", "Scraped", "Sent over OTLP"),
    ("---", "---", "---"),
    (
        "The proxy",
        "`/metrics` on `CORTEX_PROXY_METRICS_PORT` and the ports after it, one a process",
        "to `CORTEX_PROXY_OTLP_ENDPOINT`",
    ),
    ("The mock", "`/metrics` on `--metrics-port`", "to `--otlp-endpoint`"),
    (
        "How often",
        "as you scrape",
        f"every {sources.constant('exports.EXPORT_INTERVAL_S'):g} s, or every `OTEL_METRIC_EXPORT_INTERVAL` ms",
    ),
    ("What", "metrics", "metrics and traces; of the proxy log lines as well"),
    (
        "`job`",
        f"as the scrape configuration says, by custom `{thresholds.PROXY_JOB}` and `{thresholds.MOCK_JOB}`",
        "`service.name`, the same two",
    ),
    ("`instance`", "the address that is scraped", "`service.instance.id`, new with every process"),
    (
        "`up`, `scrape_*`",
        "there",
        f"missing; `{telemetry.BUILD_INFO.exposed}` says that a process lives",
    ),
    (
        "Names",
        "dots become underscores; seconds, bytes and counters end in `_seconds`, `_bytes`, `_total`",
        "the same, by Prometheus' own translation; names are chosen so that nothing is added twice",
    ),
    ("An attribute left out", "a label with the empty value", "no label; to PromQL that is the same"),
    (
        "Bounds, `le`",
        "as they are given",
        "as they are given; none is a whole number, which one way writes as `1` and another as `1.0`",
    ),
    ("Exemplars", "none: the exporter knows none", "on latencies, with the trace of one request"),
    ("`otel_scope_*`", "missing", "may be there; no query relies on it"),
)


Places: TypeAlias = defaultdict[str, set[str]]
MARK = f"{SEPARATOR}annotation "
"""What stands before an annotation's name where the check says where something is."""

Recorded: TypeAlias = dict[str, list[tuple[Mapping[str, str], set[str]]]]
"""Of each recorded name: the labels that a rule sets, and the metrics that it reads."""


@dataclass(frozen=True)
class Uses:
    """Where metrics are looked at: panels, alerts and marks over time, by the metric's Prometheus name, sorted."""

    panels: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    alerts: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    marks: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))


def uses(view: View) -> Uses:
    """Where the documents use metrics; what a rule records counts for what it was recorded from."""
    recorded: Recorded = {}
    for rule, query in view.of_rules:
        if not rule.is_alert:
            recorded.setdefault(rule.name, []).append((rule.labels, _families(query, view, recorded)))
    panels, alerts, marks = Places(set), Places(set), Places(set)
    for asked, query in view.read:
        _, is_mark, mark = asked.where.rpartition(MARK)
        for name in _families(query, view, recorded):
            if asked.target:
                panels[name].add(asked.target.panel.address)
            elif asked.rule and asked.rule.is_alert:
                alerts[name].add(asked.rule.name)
            elif is_mark:
                marks[name].add(mark)
    return Uses(_sorted(panels), _sorted(alerts), _sorted(marks))


def _families(query: promql.Query, view: View, recorded: Recorded) -> set[str]:
    """The metrics that a query reads, through what was recorded of them."""
    found: set[str] = set()
    for selector, _ in query.selectors:
        name, pinned = promql.name_of(selector), promql.pinned(selector)
        for labels, families in recorded.get(name, ()):
            if all(labels.get(label, value) == value for label, value in pinned.items()):
                found |= families
        if name not in recorded:
            known = view.known.get(name)
            found.add(known.family if known else name)
    return found


def _sorted(found: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(places) for name, places in found.items()}


def page(used: Uses) -> str:
    """The whole document."""
    groups = (
        ("The proxy's metrics", METRICS),
        ("The mock's metrics", MOCK_METRICS),
        ("What a run of the test suites leaves", SUITE_METRICS),
    )
    parts = [_OPENING, "\n".join(f"| {' | '.join(row)} |" for row in _WAYS), ""]
    for title, metrics in groups:
        parts += [f"## {title}\n", "\n".join(_index(metrics)), *("\n".join(_metric(each, used)) for each in metrics)]
    return "\n".join([*parts, "\n".join(_spans()), "\n".join(_lines())])


# --- metrics


def _index(metrics: Iterable[Metric]) -> Iterator[str]:
    yield "| Metric | Type | What it tells |\n|---|---|---|"
    yield from (f"| [`{m.exposed}`](#{m.exposed.lower()}) | {m.kind.value} | {_cell(m.help)} |" for m in metrics)
    yield ""


def _metric(metric: Metric, used: Uses) -> Iterator[str]:
    yield f"### {metric.exposed}\n"
    yield f"{metric.help}\n"
    yield f"- {_kind(metric)}{_named(metric)}; {metric.convention.value}"
    for label, exposed in zip(metric.labels, metric.exposed_labels, strict=True):
        yield f"- `{exposed}`: {_values(label, metric.labels[label])}"
    if metric.buckets:
        yield f"- Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}"
    if metric.kind is not MetricKind.HISTOGRAM and not metric.from_start:
        yield "- Shows from its first measurement: zero would be a lie"
    if panels := used.panels.get(metric.exposed):
        yield f"- Panels: {', '.join(f'`{address}`' for address in panels)}"
    if marks := used.marks.get(metric.exposed):
        yield f"- Marks on dashboards: {', '.join(marks)}"
    if alerts := used.alerts.get(metric.exposed):
        yield f"- Alerts: {', '.join(f'[{name}]({RUNBOOKS}/{name}.md)' for name in alerts)}"
    yield ""


_KINDS = {
    MetricKind.COUNTER: "Counter",
    MetricKind.UP_DOWN_COUNTER: "Up-down counter (to Prometheus a gauge)",
    MetricKind.GAUGE: "Gauge",
    MetricKind.HISTOGRAM: "Histogram (`_bucket`, `_sum`, `_count`)",
}


def _kind(metric: Metric) -> str:
    return f"{_KINDS[metric.kind]}, {f'unit `{metric.unit}`' if metric.unit else 'without a unit'}"


def _named(metric: Metric) -> str:
    return f"; to OpenTelemetry `{metric.name}`" if metric.name != metric.exposed else ""


def _values(label: str, values: Sequence[str]) -> str:
    if label in LOADED and not values:
        return LOADED[label]
    written = ", ".join(f"`{value}`" if value else "left out" for value in values)
    if len(values) <= FOLDED:
        return written
    return f"<details><summary>{len(values)} values</summary>{written}</details>"


# --- spans and lines


def _spans() -> Iterator[str]:
    yield "## Spans\n"
    yield "Of a question, an answer, SQL, a subject or a token nothing is in any of them.\n"
    for span in traces.SPANS:
        yield f"### {span.service}: {span.name}\n"
        yield f"{span.meaning} Kind: {span.kind.value}.\n"
        yield "| Attribute | What it tells | Convention |\n|---|---|---|"
        yield from (f"| `{a.name}` | {_cell(a.meaning)} | {a.convention.value} |" for a in span.attributes)
        yield ""


def _lines() -> Iterator[str]:
    always = ", ".join(f"`{name}`" for name in traces.EVERY_LINE)
    yield "## Log lines\n"
    yield f"JSON, one line an event, on stderr and over OTLP. Every line has {always}.\n"
    yield "| Event | Level | Fields | What it tells |\n|---|---|---|---|"
    for event in traces.LOG_EVENTS:
        fields = ", ".join(f"`{name}`" for name in event.fields) or "-"
        yield f"| {_cell(event.event)} | {event.level} | {fields} | {_cell(event.meaning)} |"
    yield "\n### Fields\n"
    yield "A field that is not listed is dropped before it is written.\n"
    yield "| Field | What it tells |\n|---|---|"
    for name, meaning in (*traces.LOG_FIELDS.items(), *traces.CONTENT_FIELDS.items()):
        yield f"| `{name}` | {_cell(meaning)} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- the command


def shipped(boards: Path = BOARDS) -> str:
    """The document for what is shipped.   boards: the generated dashboards; without any, panels are left out."""
    found: dict[str, Any] = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(boards.glob("*.json"))
    }
    return page(uses(look(Documents(dashboards=found, rules=rules.documents()))))


def main(arguments: Sequence[str] | None = None, path: Path = PAGE) -> int:
    """Write the page, or check it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.catalogue", description="Write docs/telemetry.md.")
    parser.add_argument("--check", action="store_true", help=f"write nothing; exit {EXIT_STALE} when it is stale")
    is_check = parser.parse_args(arguments).check
    wanted = shipped()
    if not is_check:
        path.write_text(wanted, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        return 0
    sys.stderr.write(f"{path.name} is stale: run python -m dashboards.catalogue\n")
    return EXIT_STALE


if __name__ == "__main__":
    sys.exit(main())
