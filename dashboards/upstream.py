"""Upstream and backoff: is Snowflake the trouble, and do the proxy's retries help or harm?"""

from __future__ import annotations

from contracts.telemetry import (
    BREAKER_STATE,
    BREAKER_STATES,
    CERTIFICATE_EXPIRY,
    CLIENT_DURATION,
    KEY_MODIFIED,
    RETRY_BUDGET_DENIED,
    RETRY_BUDGET_LEFT,
    UPSTREAM_ATTEMPTS,
    UPSTREAM_RETRIES,
    UpstreamOutcome,
)
from dashboards import mode, thresholds
from dashboards.panels import BAD, GOOD, WARN, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import counted_over_range, now, quantile, rate, ratio, within, worst

_SURFACE = ("surface",)
_FAILED = counted_over_range(CLIENT_DURATION, ("surface", "error_type"), {"!error_type": ("",)})


def _share(outcome: UpstreamOutcome) -> str:
    return ratio(
        rate(UPSTREAM_ATTEMPTS, _SURFACE, {"outcome": (outcome.value,)}),
        rate(UPSTREAM_ATTEMPTS, _SURFACE),
    )


BOARD = Board(
    "upstream",
    "Upstream and backoff",
    "Is Snowflake the trouble, and do the proxy's retries help or harm?",
    (
        Row(
            "What Snowflake does",
            (
                Panel(
                    "Attempts",
                    Kind.TIMESERIES,
                    "reqps",
                    "Attempts to reach Snowflake, by how they ended. A call is one attempt when all is well.",
                    (Target(rate(UPSTREAM_ATTEMPTS, ("outcome",)), "{{outcome}}"),),
                    is_stacked=True,
                ),
                Panel(
                    "Upstream latency",
                    Kind.TIMESERIES,
                    "s",
                    "From an attempt to the head of its answer, by surface, p95. A stream's content is not in it.",
                    (Target(quantile(0.95, CLIENT_DURATION, _SURFACE), "{{surface}}", exemplar=True),),
                ),
                Panel(
                    "Upstream errors",
                    Kind.TABLE,
                    "short",
                    "Attempts that failed within the chosen time, by surface and kind.",
                    (
                        Target(
                            f"{_FAILED} > 0",
                            "attempts",
                        ),
                    ),
                    columns=("surface", "error_type"),
                    no_value="no errors",
                ),
                Panel(
                    "Throttled",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of attempts that Snowflake answered with 429, by surface. The line is the alert's.",
                    (Target(_share(UpstreamOutcome.THROTTLED), "{{surface}}"),),
                    lines=(Line(thresholds.UPSTREAM_THROTTLED.value),),
                    most=1.0,
                ),
                Panel(
                    "Credentials refused",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of attempts that Snowflake answered with 401, by surface. One now and then is a token that "
                    "ran out and was renewed; a plateau is a key or a grant that is gone. The line is the alert's.",
                    (Target(_share(UpstreamOutcome.UNAUTHORIZED), "{{surface}}"),),
                    lines=(Line(thresholds.UPSTREAM_UNAUTHORIZED.value),),
                    most=1.0,
                ),
                Panel(
                    "Certificate and key age",
                    Kind.STAT,
                    "s",
                    "Time since each key file was written, and until the certificate that Snowflake last showed ends; "
                    "a rehearsal over plain HTTP shows no certificate. Colours are the alerts' numbers.",
                    (
                        Target(f"time() - {now(KEY_MODIFIED, ('key',), how='min')}", "{{key}}: age"),
                        Target(f"{now(CERTIFICATE_EXPIRY, how='min')} - time()", "certificate: left"),
                    ),
                    lines=(Line(thresholds.KEY_AGE.value, BAD),),
                    own_lines={"certificate: left": (BAD, (Line(thresholds.CERTIFICATE_LEFT.value, GOOD),))},
                    no_value="no keys",
                ),
            ),
        ),
        Row(
            "What the proxy does about it",
            (
                Panel(
                    "Retries",
                    Kind.TIMESERIES,
                    "reqps",
                    "Attempts that repeat a failed one, by why.",
                    (Target(rate(UPSTREAM_RETRIES, ("reason",)), "{{reason}}"),),
                    is_stacked=True,
                ),
                Panel(
                    "Retry amplification",
                    Kind.TIMESERIES,
                    "none",
                    "Attempts per call, by surface: 1 is calm, 3 the most there can be. Above the line the proxy adds "
                    "to the load that it suffers from.",
                    (
                        Target(
                            f"{rate(UPSTREAM_ATTEMPTS, _SURFACE)} / (({rate(UPSTREAM_ATTEMPTS, _SURFACE)} - "
                            f"{rate(UPSTREAM_RETRIES, _SURFACE)}) > 0)",
                            "{{surface}}",
                        ),
                    ),
                    lines=(Line(thresholds.RETRY_AMPLIFICATION.value),),
                ),
                Panel(
                    "Retry budget",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of the further attempts allowed just now that is unspent, the worst process of each "
                    "surface.",
                    (Target(worst(RETRY_BUDGET_LEFT, _SURFACE, how="min"), "{{surface}}"),),
                    base=BAD,
                    lines=(Line(0.1, GOOD),),
                    most=1.0,
                ),
                Panel(
                    "Budget denials",
                    Kind.TIMESERIES,
                    "short",
                    "Failed attempts of the last ten minutes that were not repeated, because too many others were "
                    "already. The line is the alert's.",
                    (Target(within(RETRY_BUDGET_DENIED, thresholds.RETRY_BUDGET.window_s, _SURFACE), "{{surface}}"),),
                    lines=(Line(thresholds.RETRY_BUDGET.value),),
                ),
                Panel(
                    "Breaker state",
                    Kind.STATE_TIMELINE,
                    "none",
                    "Whether calls are let through, the worst process of each surface. While open, answers are 503 "
                    "without Snowflake being asked.",
                    (Target(worst(BREAKER_STATE, _SURFACE), "{{surface}}"),),
                    width=16,
                    names={
                        BREAKER_STATES["closed"]: ("closed", GOOD),
                        BREAKER_STATES["half-open"]: ("half-open", WARN),
                        BREAKER_STATES["open"]: ("open", BAD),
                    },
                    lines=(Line(BREAKER_STATES["half-open"], WARN), Line(BREAKER_STATES["open"], BAD)),
                    no_value="no proxy",
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
