"""Logs and traces: what does the proxy say of one request, and where does that request spend its time?"""

from __future__ import annotations

from contracts.api import PREFIX
from contracts.traces import END_REASON, ROUTE
from dashboards import mode, slo
from dashboards.panels import Board, Kind, Panel, Row, Source, Target

_CHAT = f"{PREFIX}/chat"
_FIRST_TOKEN = next(each.histogram for each in slo.load().objectives if each.name == "first-token")
_SLOW_MS = 1000 * (_FIRST_TOKEN.within_s if _FIRST_TOKEN else 10.5)
_LINES = '{service_name=~"$job"} | json'
"""The lines are JSON, whether they came by OTLP or were read from the process's output."""

_LOGS_BY = "Needs the proxy's log lines in Loki: by OTLP, or from its output with the label service_name."


def _loki(expr: str, legend: str = "") -> tuple[Target, ...]:
    return (Target(expr, legend, source=Source.LOKI),)


BOARD = Board(
    "logs",
    "Logs and traces",
    "What does the proxy say of one request, and where does that request spend its time?",
    (
        Row(
            "Lines",
            (
                Panel(
                    "Log volume",
                    Kind.TIMESERIES,
                    "short",
                    f"Lines by level. {_LOGS_BY}",
                    _loki(f"sum by (level) (count_over_time({_LINES} [$__auto]))", "{{level}}"),
                    width=24,
                    height=5,
                    is_stacked=True,
                    no_value="no lines",
                ),
                Panel(
                    "Warnings and errors",
                    Kind.LOGS,
                    "short",
                    f"What the proxy warns of, newest first; docs/telemetry.md lists every event. {_LOGS_BY}",
                    _loki(f'{_LINES} | level=~"warning|error|critical"'),
                    width=12,
                    height=9,
                    no_value="no lines",
                ),
                Panel(
                    "Requests",
                    Kind.LOGS,
                    "short",
                    "One line a request, and one for the end of each stream. `traceId` leads to the trace, "
                    "`sessionId` stands for somebody whom no line names.",
                    _loki(f'{_LINES} | event=~"request|stream ended"'),
                    width=12,
                    height=9,
                    no_value="no lines",
                ),
            ),
        ),
        Row(
            "Slow and broken turns",
            (
                Panel(
                    "Slow turns",
                    Kind.LOGS,
                    "ms",
                    f"Streams whose first event came after {_SLOW_MS / 1000:g} s. {_LOGS_BY}",
                    _loki(f'{_LINES} | event="stream ended" | firstEventMs > {_SLOW_MS:g}'),
                    width=12,
                    height=9,
                    no_value="none was slow",
                ),
                Panel(
                    "Traces",
                    Kind.TRACES,
                    "ms",
                    "Turns that did not go to their end, with their attempts and tools. Needs the proxy's spans in "
                    "Tempo.",
                    (
                        Target(
                            f'{{resource.service.name=~"$job" && span.{ROUTE.name}="{_CHAT}" && '
                            f'span.{END_REASON.name}!="completed"}}',
                            source=Source.TEMPO,
                        ),
                    ),
                    width=12,
                    height=9,
                    no_value="no traces",
                ),
            ),
        ),
    ),
    sources=(Source.PROMETHEUS, Source.LOKI, Source.TEMPO),
    beside=(mode.PANEL,),
)
