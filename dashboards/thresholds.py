"""The numbers that alerts and panels share: a panel draws the line that its alert compares with.

Objectives are in slo.yaml. Nothing here changes with the time scale of a proof but windows and waits.
"""

from __future__ import annotations

from dataclasses import dataclass

SCRAPE_S = 15
"""Seconds between scrapes: of everything provisioned, and what data sources are told."""

SERIES_BUDGET = 1_500
"""Series that one proxy process may show."""

PROXY_JOB, MOCK_JOB = "cortex-proxy", "cortex-mock"
"""What scrape configurations call the two. A job whose name only begins so, as cortex-proxy-staging, is one too."""

EVALUATION_S = 30
"""Seconds between two looks of an alert."""

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a condition becomes an alert.

    value: what the expression is compared with.   for_s: how long it must hold.   window_s: what it looks back over.
    least: of a share, the events in the window without which it stays silent: one failure at night wakes nobody.
    calm_s: how long an alert stays after its condition has gone, so that a flickering one is one alert.
    """

    value: float
    for_s: int
    window_s: int = 0
    least: int = 0
    calm_s: int = 0


# --- whether anything answers
DOWN = Threshold(0, for_s=60)
MOCK_DOWN = Threshold(0, for_s=60)

# --- streams
STREAMS_BROKEN = Threshold(0.1, for_s=60, window_s=600, least=5)
"""Share of ended streams that broke upstream."""

STREAMS_STALLING = Threshold(0.2, for_s=60, window_s=600, least=5)
"""Stalls per stream that ended."""

STREAM_CAPACITY = Threshold(0.8, for_s=120)
"""Share of a process's streams in use; what comes beyond all of them is refused."""

# --- upstream
BREAKER_OPEN = Threshold(1, for_s=30, window_s=120)
"""Above half-open. A breaker stays open for seconds, less than a scrape: the window keeps what a scrape saw."""

RETRY_AMPLIFICATION = Threshold(1.5, for_s=120, window_s=600, least=10)
"""Attempts per call. Three are the most that a call can make."""

RETRY_BUDGET = Threshold(1, for_s=0, window_s=600, calm_s=300)
"""Denied retries: more than ten in ten seconds are needed before there is one."""

UPSTREAM_THROTTLED = Threshold(0.05, for_s=60, window_s=600, least=5)
"""Share of attempts that Snowflake throttled."""

UPSTREAM_UNAUTHORIZED = Threshold(0.05, for_s=60, window_s=600, least=5)
"""Share of attempts that Snowflake did not let in. A token that ran out is one such attempt and renewed at once."""

KEY_AGE = Threshold(90 * DAY_S, for_s=600)
"""Seconds since a key file was written."""

CERTIFICATE_LEFT = Threshold(7 * DAY_S, for_s=600)
"""Seconds until the certificate that Snowflake shows ends."""

# --- limits and stores
LIMIT_HEADROOM = Threshold(0.1, for_s=300, window_s=600, least=20)
"""Share of the tightest limit that 95 % of requests leave free at least; the panel shows the same."""

TOKEN_REFUSED = Threshold(0.3, for_s=60, window_s=600, least=10)
"""Share of requests for a session token that were refused."""

HISTORY_LOST = Threshold(1, for_s=0, window_s=600, calm_s=600)
"""Turns that the history lost; one is too many."""

STORE_DOWN = Threshold(1, for_s=60)
"""Below: the store did not work when it was last used."""

# --- pages and money
PAGES_FAILING = Threshold(0.2, for_s=120, window_s=900, least=5)
"""Page errors and failed streams, per stream that a page saw end."""

CALLS_UNPRICED = Threshold(5, for_s=0, window_s=3600)
"""Answers without a price."""

# --- telemetry's own health
TELEMETRY_LOST = Threshold(3, for_s=60, window_s=600)
"""Batches that no collector took; one may be a collector that restarts."""

LABEL_OVERFLOW = Threshold(10, for_s=0, window_s=1800)
"""Label values outside their list."""

SERIES = Threshold(SERIES_BUDGET, for_s=120)
"""Samples of one scrape of one process."""

MODE_MIXED = Threshold(1, for_s=60)
"""Kinds of upstream that the processes of one job have."""

# --- the mock and the suites
MOCK_FRAME_LATENESS = Threshold(0.025, for_s=120, window_s=600, least=100)
"""Seconds behind schedule that 99 % of frames keep within."""

MOCK_MISSES = Threshold(5, for_s=0, window_s=600)
"""Requests that no cassette answered."""

SUITE_FAILING = Threshold(1, for_s=30)
"""Failed tests, and those that could not run, of a suite's last run."""

SUITE_AGE = Threshold(2 * DAY_S, for_s=600)
"""Seconds since a suite's last run ended: green, but of another day."""

# --- error budgets


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows over which a budget must not burn faster than so many times its even pace.

    Both have to say so: the long one that it matters, the short one that it still goes on.
    for_s, calm_s: as in `Threshold`.   Source: Google's SRE workbook, "Alerting on SLOs"; one day and two hours are
    practice. What is spent by then of thirty days' budget: 2 %, 5 %, 10 %, 10 %.
    """

    severity: str
    long: str
    short: str
    factor: float
    for_s: int
    calm_s: int


BURNS = (
    Burn("critical", "1h", "5m", 14.4, for_s=120, calm_s=300),
    Burn("critical", "6h", "30m", 6.0, for_s=900, calm_s=900),
    Burn("warning", "1d", "2h", 3.0, for_s=3_600, calm_s=3_600),
    Burn("warning", "3d", "6h", 1.0, for_s=10_800, calm_s=3_600),
)

BURN_LEAST = 5
"""Failures in the long window without which no budget's alert speaks: at night one failure is a large share of few
requests. Failures rather than requests are counted, so that an outage is heard however few notice it."""
