"""What a run tells: a report, and its forms: text for people, JSON, JUnit XML, Prometheus's text for node exporter."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.telemetry import SUITE_DURATION, SUITE_FINISHED, SUITE_TESTS, TEST_OUTCOMES, Metric

SUITE = "smoke"

Result = Literal["passed", "failed", "not_applicable"]

OUTCOMES: dict[str, Result] = {"passed": "passed", "failed": "failed", "skipped": "not_applicable"}
"""What the catalogue of metrics calls them; an error of a suite is one that no check can have."""


class CheckResult(BaseModel):
    """What one check found."""

    model_config = ConfigDict(frozen=True)

    name: str
    about: str = Field(description="what holds when it passes")
    result: Result
    duration_ms: float
    asked: list[str] = Field(description="requests, in order; empty when it looks at answers that came before")
    found: str = Field(description="what was found; of a check that is not applicable, why")
    do: str | None = Field(default=None, description="of a failed check: what to do")


class Report(BaseModel):
    """A run of the smoke. Fields are only ever added; another meaning gets another number in `smoke`."""

    model_config = ConfigDict(frozen=True)

    smoke: Literal[1] = 1
    target: str
    ok: bool = Field(description="whether no check failed")
    started_at: AwareDatetime
    duration_ms: float
    mode: Literal["live", "rehearsal"] | None = Field(description="what stands upstream; null when it did not say")
    version: str | None = Field(description="the proxy's; null when it did not say")
    trace_id: str = Field(description="of every request of this run")
    trace_url: str | None = Field(default=None, description="where that trace is shown, when a template was given")
    counts: dict[Result, int]
    checks: list[CheckResult]

    @classmethod
    def of(cls, checks: Sequence[CheckResult], **more: object) -> Report:
        """The report that these results make."""
        counted = Counter(each.result for each in checks)
        counts = {result: counted[result] for result in OUTCOMES.values()}
        return cls.model_validate({**more, "ok": not counted["failed"], "counts": counts, "checks": checks})


# --- for people ----------------------------------------------------------------------------------------------------

COLOURS = {"passed": "\x1b[32m", "failed": "\x1b[1;31m", "not_applicable": "\x1b[2m"}
PLAIN = "\x1b[0m"
WORDS: dict[Result, str] = {"passed": "ok", "failed": "FAILED", "not_applicable": "n/a"}


def line(check: CheckResult, *, with_colour: bool) -> str:
    """A check in a line; of a failed one also what is wanted, what was asked and what to do."""
    word = f"{WORDS[check.result]:<6}"
    if with_colour:
        word = f"{COLOURS[check.result]}{word}{PLAIN}"
    first = f"{word} {check.name:<14} {check.duration_ms:>6.0f} ms  {check.found}"
    if check.result != "failed":
        return first
    rest = {"wanted": check.about, "asked": "; ".join(check.asked), "do": check.do or ""}
    return "\n".join([first, *(f"{'':<7}{name:<7}{text}" for name, text in rest.items() if text)])


def closing(report: Report, *, with_colour: bool) -> str:
    """The last lines: what does not apply, how many, how long, which failed, and where the trace is."""
    counts = report.counts
    told = f"{counts['passed']} ok, {counts['failed']} failed, {counts['not_applicable']} not applicable"
    said = f"{told}, in {report.duration_ms / 1000:.1f} s. {_upstream(report)}"
    failed = [each.name for each in report.checks if each.result == "failed"]
    if failed:
        said = f"{said}\nFailed: {', '.join(failed)}"
    if with_colour:
        said = f"{COLOURS['passed' if report.ok else 'failed']}{said}{PLAIN}"
    return "\n".join([*_left_out(report, with_colour=with_colour), "", said, f"Trace:  {_trace(report)}"])


def _left_out(report: Report, *, with_colour: bool) -> Iterator[str]:
    """The checks that do not apply, those of one reason together."""
    reasons = dict[str, list[str]]()
    for each in report.checks:
        if each.result == "not_applicable":
            reasons.setdefault(each.found, []).append(each.name)
    for reason, names in reasons.items():
        said = f"n/a    {', '.join(names)}: {reason}"
        yield f"{COLOURS['not_applicable']}{said}{PLAIN}" if with_colour else said


def _trace(report: Report) -> str:
    return report.trace_url or f"{report.trace_id}, of every request above"


def _upstream(report: Report) -> str:
    if report.mode is None:
        return "The target did not say what it is."
    stands = "in front of Snowflake" if report.mode == "live" else "in front of a stand-in, NOT Snowflake"
    return f"Proxy {report.version}, {stands}."


# --- for machines --------------------------------------------------------------------------------------------------


def schema() -> str:
    """The JSON Schema of a report, as `docs/smoke.schema.json` has it."""
    return json.dumps(Report.model_json_schema(mode="serialization"), indent=1)


def junit(report: Report) -> bytes:
    """The report as JUnit XML: a test case for each check; one that is not applicable is skipped."""
    totals = {"tests": len(report.checks), "failures": report.counts["failed"], "errors": 0}
    totals["skipped"] = report.counts["not_applicable"]
    attributes = {
        "name": SUITE,
        **{name: str(count) for name, count in totals.items()},
        "time": f"{report.duration_ms / 1000:.3f}",
        "timestamp": report.started_at.isoformat(timespec="seconds"),
        "hostname": report.target,
    }
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", attributes)
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report):
        ElementTree.SubElement(properties, "property", {"name": name, "value": value})
    for each in report.checks:
        seconds = f"{each.duration_ms / 1000:.3f}"
        case = ElementTree.SubElement(suite, "testcase", {"classname": SUITE, "name": each.name, "time": seconds})
        if each.result == "failed":
            failure = ElementTree.SubElement(case, "failure", {"message": each.found})
            failure.text = f"wanted: {each.about}\nasked: {'; '.join(each.asked)}\ndo: {each.do}"
        elif each.result == "not_applicable":
            ElementTree.SubElement(case, "skipped", {"message": each.found})
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    for name in ("target", "mode", "version", "trace_id", "trace_url"):
        value = getattr(report, name)
        if value is not None:
            yield name, str(value)


def textfile(report: Report, path: Path) -> None:
    """The report as the suite metrics, for node exporter's textfile collector; replaced whole.   Raises: OSError."""
    registry = CollectorRegistry()
    tests = _gauge(SUITE_TESTS, registry)
    for outcome in TEST_OUTCOMES:
        count = report.counts[OUTCOMES[outcome]] if outcome in OUTCOMES else 0
        tests.labels(suite=SUITE, outcome=outcome).set(count)
    _gauge(SUITE_DURATION, registry).labels(suite=SUITE).set(report.duration_ms / 1000)
    _gauge(SUITE_FINISHED, registry).labels(suite=SUITE).set(time.time())
    write_to_textfile(str(path), registry)


def _gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    return Gauge(metric.exposed, metric.help, metric.exposed_labels, registry=registry)


def now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)
