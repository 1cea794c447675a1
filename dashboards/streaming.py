"""Streaming quality: do answers begin soon, flow evenly, and reach their end?"""

from __future__ import annotations

from contracts.api import EndReason
from contracts.telemetry import (
    STALL_S,
    STREAM_DURATION,
    STREAM_ENDS,
    STREAM_FIRST_EVENT,
    STREAM_FIRST_TOKEN,
    STREAM_GAP,
    STREAM_STAGES,
    STREAM_STALLS,
    STREAMS_ACTIVE,
    STREAMS_CAPACITY,
)
from dashboards import mode, slo, thresholds
from dashboards.panels import BAD, GOOD, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import buckets, now, quantile, rate, ratio, within

_SLOS = {each.name: each for each in slo.load().objectives}
_ANSWERED = (EndReason.COMPLETED.value, EndReason.CANCELLED.value)
_JUDGED = {"!reason": (EndReason.CLIENT_GONE.value, EndReason.CLIENT_SLOW.value)}
_STALLING = thresholds.STREAMS_STALLING
_QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def _first_token_s() -> float:
    sli = _SLOS["first-token"].histogram
    assert sli is not None, "a time is promised of a histogram"
    return sli.within_s


BOARD = Board(
    "streaming",
    "Streaming quality",
    "Do answers begin soon, flow evenly, and reach their end?",
    (
        Row(
            "Endings",
            (
                Panel(
                    "Stream endings",
                    Kind.TIMESERIES,
                    "cps",
                    "Streams that ended, by why. `completed` and `cancelled` are answers; `upstream_*` broke at "
                    "Snowflake, `client_*` is a reader who left or does not read, the rest is the proxy's own.",
                    (Target(rate(STREAM_ENDS, ("reason",)), "{{reason}}"),),
                    width=12,
                    is_stacked=True,
                    leads_to="upstream",
                ),
                Panel(
                    "Completion ratio",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of streams that went to their end or to where their reader stopped them; readers who left "
                    "count neither way. The line is the objective.",
                    (
                        Target(
                            ratio(
                                rate(STREAM_ENDS, where={"reason": _ANSWERED}),
                                rate(STREAM_ENDS, where=_JUDGED),
                            ),
                            "completed",
                        ),
                    ),
                    lines=(Line(_SLOS["stream-completion"].ratio, GOOD),),
                    base=BAD,
                    most=1.0,
                ),
                Panel(
                    "Streams open",
                    Kind.TIMESERIES,
                    "short",
                    "Streams running now, against what all processes together may run at once.",
                    (
                        Target(now(STREAMS_ACTIVE), "open"),
                        Target(now(STREAMS_CAPACITY), "capacity"),
                    ),
                    width=4,
                    leads_to="limits",
                ),
            ),
        ),
        Row(
            "The first token",
            (
                Panel(
                    "Time to first token",
                    Kind.TIMESERIES,
                    "s",
                    "From a question to the first text handed to the reader. The line is the objective's bound. Where "
                    "traces are pushed, dots lead to the trace of one such stream.",
                    tuple(Target(quantile(q, STREAM_FIRST_TOKEN), name, exemplar=True) for q, name in _QUANTILES),
                    width=12,
                    lines=(Line(_first_token_s()),),
                    leads_to="logs",
                ),
                Panel(
                    "First token by stage",
                    Kind.TIMESERIES,
                    "s",
                    "Where that time goes, p95: in the proxy before Snowflake is asked (`queue`), waiting for "
                    "Snowflake (`upstream`), and on the way out (`out`). What grows names the culprit.",
                    (Target(quantile(0.95, STREAM_STAGES, ("stage",)), "{{stage}}"),),
                    width=6,
                ),
                Panel(
                    "First event",
                    Kind.TIMESERIES,
                    "s",
                    "From a question to Snowflake's first event, which may be a mere status. Far below the first token "
                    "it says that the agent is thinking, not that the connection is slow.",
                    tuple(Target(quantile(q, STREAM_FIRST_EVENT), name, exemplar=True) for q, name in _QUANTILES),
                    width=6,
                ),
            ),
        ),
        Row(
            "The flow",
            (
                Panel(
                    "Gaps",
                    Kind.HEATMAP,
                    "s",
                    "Silences between what arrives from Snowflake within a stream. A band that climbs is an answer "
                    "that stutters.",
                    (Target(buckets(STREAM_GAP), "{{le}}"),),
                    width=12,
                ),
                Panel(
                    "Stalls",
                    Kind.TIMESERIES,
                    "none",
                    f"Silences of {STALL_S:g} s and more in ten minutes, per stream that ended. They are counted as "
                    "they happen, so a stream that stands still shows before it ends. The line is the alert's.",
                    (
                        Target(
                            f"{within(STREAM_STALLS, _STALLING.window_s)} / "
                            f"clamp_min({within(STREAM_ENDS, _STALLING.window_s)}, 1)",
                            "stalls per stream",
                        ),
                    ),
                    width=6,
                    lines=(Line(_STALLING.value),),
                ),
                Panel(
                    "Stream duration",
                    Kind.TIMESERIES,
                    "s",
                    "From a question to the end of its stream, however it ended.",
                    tuple(Target(quantile(q, STREAM_DURATION), name, exemplar=True) for q, name in _QUANTILES),
                    width=6,
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
