"""Every alert: the budgets' of slo.py, and those of a cause, one function each.

A budget's alert says that readers are harmed; a cause's alert says by what, or what will harm them next. Only what
harms at once and shows in no budget is critical here. Each adds up the processes of a job, and where it is about a
share, waits until there is enough of it to mean something. Counters start at zero: the first event is an increase.
"""

from __future__ import annotations

from types import MappingProxyType

from contracts import telemetry as catalogue
from contracts.api import EndReason, StreamOutcome
from contracts.telemetry import BREAKER_STATES, Metric
from dashboards import slo, thresholds
from dashboards.rule import (
    COUNT,
    FACTOR,
    JOB,
    SHARE,
    TIME,
    Alert,
    Component,
    Over,
    Severity,
    Where,
    increase,
    number,
    quantile,
    scaled,
    series,
    span,
    total,
)
from dashboards.thresholds import Threshold

_EVERY: Where = MappingProxyType({})


def causes(scale: float = 1.0) -> list[Alert]:
    """The alerts of causes, with their windows in a time scale."""
    over = scaled(scale)
    return [write(over) for write in _CAUSES]


def budgets(scale: float = 1.0) -> list[Alert]:
    """The alerts of error budgets, with their windows in a time scale.   Raises: slo.SloError."""
    slos = slo.load()
    return [alert for objective in slos.objectives for alert in slo.burn_alerts(slos, objective, scale)]


# --- how conditions are written


def _share(part: str, whole: str, threshold: Threshold) -> str:
    """A share above its threshold, once there are enough events of the part."""
    return f"{part}\n/\n({whole} > 0)\n> {number(threshold.value)}\nand\n{part} >= {threshold.least}"


def _at_least(metric: Metric, threshold: Threshold, over: Over, where: Where = _EVERY, by: tuple[str, ...] = ()) -> str:
    return f"{increase(metric, over(threshold.window_s), where, by=by)} >= {number(threshold.value)}"


def _up(job: str) -> str:
    return f'up{{job=~"{job}.*"}}'


# --- whether anything answers


def _down(_over: Over) -> Alert:
    """What is pushed has no `up`; so it is only missed where no process is heard of either."""
    up, job = _up(thresholds.PROXY_JOB), thresholds.PROXY_JOB
    heard = total(series(catalogue.BUILD_INFO), how="group")
    return Alert(
        "CortexProxyDown",
        thresholds.DOWN,
        f"{total(up)} == {number(thresholds.DOWN.value)}\nor\n"
        f'label_replace(absent({up}) unless on () {heard}, "job", "{job}", "", "") == 1',
        "No process of the proxy answers.",
        f"{JOB}: no process has answered Prometheus for {span(thresholds.DOWN.for_s)}, or none is there to be asked.",
        "overview/scrapes",
        severity=Severity.CRITICAL,
    )


def _partly_down(_over: Over) -> Alert:
    up = _up(thresholds.PROXY_JOB)
    return Alert(
        "CortexProxyDown",
        thresholds.DOWN,
        f"{total(f'{up} == 0', how='count')}\n<\n{total(up, how='count')}",
        "Some processes of the proxy do not answer.",
        f"{JOB}: {COUNT} of its processes have not answered Prometheus for {span(thresholds.DOWN.for_s)}; others do.",
        "overview/scrapes",
    )


def _mode_mixed(_over: Over) -> Alert:
    modes = f"{total(series(catalogue.MODE_INFO), ('mode',))} > 0"
    return Alert(
        "CortexProxyModeMixed",
        thresholds.MODE_MIXED,
        f"{total(modes, how='count')} > {number(thresholds.MODE_MIXED.value)}",
        "One job serves rehearsal and live at once.",
        f"{JOB}: some of its processes ask Snowflake and some a stand-in, so readers may get made-up answers.",
        "overview/mode",
        severity=Severity.CRITICAL,
    )


# --- streams

_BROKEN = {
    "reason": tuple(
        reason.value for reason in (EndReason.UPSTREAM_ERROR, EndReason.UPSTREAM_TRUNCATED, EndReason.UPSTREAM_STALLED)
    )
}


def _streams_broken(over: Over) -> Alert:
    threshold = thresholds.STREAMS_BROKEN
    window = over(threshold.window_s)
    broken, ended = increase(catalogue.STREAM_ENDS, window, _BROKEN), increase(catalogue.STREAM_ENDS, window)
    return Alert(
        "CortexProxyStreamsBroken",
        threshold,
        _share(broken, ended, threshold),
        "Streams break upstream.",
        f"{JOB}: {SHARE} of the streams that ended in the last {window} were broken off, cut short or stalled by "
        f"Snowflake; the limit is {threshold.value:.0%}.",
        "streaming/stream-endings",
    )


def _streams_stalling(over: Over) -> Alert:
    """A stream that stalls may not have ended yet, so that ended ones count as one at least."""
    threshold = thresholds.STREAMS_STALLING
    window = over(threshold.window_s)
    stalls, ended = increase(catalogue.STREAM_STALLS, window), increase(catalogue.STREAM_ENDS, window)
    return Alert(
        "CortexProxyStreamsStalling",
        threshold,
        f"{stalls}\n/\nclamp_min({ended}, 1)\n> {number(threshold.value)}\nand\n{stalls} >= {threshold.least}",
        "Answers stand still for seconds.",
        f"{JOB}: {FACTOR} silences of {catalogue.STALL_S:g} s and more per stream in the last {window}; the limit is "
        f"{threshold.value:g}.",
        "streaming/stalls",
    )


def _stream_capacity(_over: Over) -> Alert:
    """The fullest process counts: it refuses, however empty the others are."""
    threshold = thresholds.STREAM_CAPACITY
    used = f"{series(catalogue.STREAMS_ACTIVE)} / on (job, instance) ({series(catalogue.STREAMS_CAPACITY)} > 0)"
    return Alert(
        "CortexProxyStreamCapacityLow",
        threshold,
        f"{total(used, how='max')} > {number(threshold.value)}",
        "A process has few streams left.",
        f"{JOB}: its fullest process runs {SHARE} of the streams that it may; what comes beyond all is refused.",
        "limits/stream-capacity",
    )


# --- upstream

_ATTEMPTS, _RETRIES = catalogue.UPSTREAM_ATTEMPTS, catalogue.UPSTREAM_RETRIES


def _breaker_open(over: Over) -> Alert:
    threshold = thresholds.BREAKER_OPEN
    assert threshold.value == BREAKER_STATES["half-open"], "open is what lies above half-open"
    window = over(threshold.window_s)
    return Alert(
        "CortexProxyBreakerOpen",
        threshold,
        f"{total(f'max_over_time({series(catalogue.BREAKER_STATE)}[{window}])', ('surface',), how='max')} "
        f"> {number(threshold.value)}",
        "A circuit breaker has opened.",
        f"{JOB}: calls to Cortex {{{{ $labels.surface }}}} failed so often that they are now answered with an error "
        f"at once, without being sent.",
        "upstream/breaker-state",
    )


def _retry_amplification(over: Over) -> Alert:
    threshold = thresholds.RETRY_AMPLIFICATION
    window = over(threshold.window_s)
    attempts = increase(_ATTEMPTS, window, by=("surface",))
    retries = increase(_RETRIES, window, by=("surface",))
    return Alert(
        "CortexProxyRetryAmplification",
        threshold,
        f"{attempts}\n/\n(({attempts} - {retries}) > 0)\n> {number(threshold.value)}\n"
        f"and\n{retries} >= {threshold.least}",
        "Every call upstream costs several attempts.",
        f"{JOB}: a call to Cortex {{{{ $labels.surface }}}} took {FACTOR} attempts on average in the last {window}; "
        f"the limit is {threshold.value:g}.",
        "upstream/retry-amplification",
    )


def _retry_budget_exhausted(over: Over) -> Alert:
    threshold = thresholds.RETRY_BUDGET
    return Alert(
        "CortexProxyRetryBudgetExhausted",
        threshold,
        _at_least(catalogue.RETRY_BUDGET_DENIED, threshold, over, by=("surface",)),
        "The retry budget is spent.",
        f"{JOB}: failed calls to Cortex {{{{ $labels.surface }}}} that were not tried again in the last "
        f"{over(threshold.window_s)}, because too many others were already: {COUNT}.",
        "upstream/budget-denials",
    )


def _upstream_share(over: Over, outcome: catalogue.UpstreamOutcome, threshold: Threshold) -> str:
    window = over(threshold.window_s)
    part = increase(_ATTEMPTS, window, {"outcome": (outcome.value,)}, by=("surface",))
    return _share(part, increase(_ATTEMPTS, window, by=("surface",)), threshold)


def _upstream_throttled(over: Over) -> Alert:
    threshold = thresholds.UPSTREAM_THROTTLED
    return Alert(
        "CortexProxyUpstreamThrottled",
        threshold,
        _upstream_share(over, catalogue.UpstreamOutcome.THROTTLED, threshold),
        "Snowflake throttles the proxy.",
        f"{JOB}: {SHARE} of the attempts to reach Cortex {{{{ $labels.surface }}}} were throttled in the last "
        f"{over(threshold.window_s)}; the limit is {threshold.value:.0%}.",
        "upstream/throttled",
    )


def _upstream_unauthorized(over: Over) -> Alert:
    threshold = thresholds.UPSTREAM_UNAUTHORIZED
    return Alert(
        "CortexProxyUpstreamUnauthorized",
        threshold,
        _upstream_share(over, catalogue.UpstreamOutcome.UNAUTHORIZED, threshold),
        "Snowflake does not accept the proxy's credentials.",
        f"{JOB}: {SHARE} of the attempts to reach Cortex {{{{ $labels.surface }}}} were refused for their credentials "
        f"in the last {over(threshold.window_s)}; the limit is {threshold.value:.0%}.",
        "upstream/credentials-refused",
    )


def _key_old(_over: Over) -> Alert:
    threshold = thresholds.KEY_AGE
    return Alert(
        "CortexProxyKeyOld",
        threshold,
        f"time() - {total(series(catalogue.KEY_MODIFIED), ('key',), how='min')} > {number(threshold.value)}",
        "A key is due to be replaced.",
        f"{JOB}: the file of {{{{ $labels.key }}}} was last written {TIME} ago; keys are to be replaced after "
        f"{span(threshold.value)}.",
        "upstream/certificate-and-key-age",
    )


def _certificate_expiring(_over: Over) -> Alert:
    threshold = thresholds.CERTIFICATE_LEFT
    return Alert(
        "CortexProxyCertificateExpiring",
        threshold,
        f"{total(series(catalogue.CERTIFICATE_EXPIRY), how='min')} - time() < {number(threshold.value)}",
        "The certificate that Snowflake shows ends soon.",
        f"{JOB}: the certificate that it last saw upstream is valid for {TIME} more; {span(threshold.value)} are the "
        f"least.",
        "upstream/certificate-and-key-age",
    )


# --- limits and stores


def _limit_headroom(over: Over) -> Alert:
    threshold = thresholds.LIMIT_HEADROOM
    window = over(threshold.window_s)
    used = quantile(catalogue.LIMIT_USED, 0.95, window, by=("policy",))
    asked = increase(catalogue.LIMIT_USED, window, by=("policy",), suffix="_count")
    return Alert(
        "CortexProxyLimitHeadroomLow",
        threshold,
        f"1 - {used}\n< {number(threshold.value)}\nand\n{asked} >= {threshold.least}",
        "Callers come close to a limit of the proxy.",
        f"{JOB}: one request in twenty to {{{{ $labels.policy }}}} left {SHARE} or less of its tightest limit free in "
        f"the last {window}; {threshold.value:.0%} are the least.",
        "limits/headroom",
    )


def _token_refresh_failing(over: Over) -> Alert:
    threshold = thresholds.TOKEN_REFUSED
    window = over(threshold.window_s)
    refused = increase(catalogue.SESSION_TOKENS, window, {"outcome": (catalogue.TokenOutcome.REFUSED.value,)})
    return Alert(
        "CortexProxyTokenRefreshFailing",
        threshold,
        _share(refused, increase(catalogue.SESSION_TOKENS, window), threshold),
        "Pages get no session token.",
        f"{JOB}: {SHARE} of the requests for a session token were refused in the last {window}; the limit is "
        f"{threshold.value:.0%}.",
        "limits/session-tokens",
    )


def _history_losing_turns(over: Over) -> Alert:
    threshold = thresholds.HISTORY_LOST
    return Alert(
        "CortexProxyHistoryLosingTurns",
        threshold,
        _at_least(catalogue.HISTORY_TURNS, threshold, over, {"outcome": ("lost",)}),
        "Turns are missing from the history.",
        f"{JOB}: turns answered but not kept in the last {over(threshold.window_s)}: {COUNT}. They cannot be had back.",
        "limits/history-turns",
        severity=Severity.CRITICAL,
    )


def _store_down(_over: Over) -> Alert:
    """No page for it: after one failure the gauge stays as it is until the store is used again, at night for hours."""
    threshold = thresholds.STORE_DOWN
    return Alert(
        "CortexProxyStoreDown",
        threshold,
        f"{total(series(catalogue.STORE_UP), ('store',), how='min')} < {number(threshold.value)}",
        "A store does not work.",
        f"{JOB}: the store of {{{{ $labels.store }}}} failed when it was last used by one process at least.",
        "limits/stores",
    )


# --- pages and money

_FAILED_STREAMS = {"outcome": (StreamOutcome.ERROR.value, StreamOutcome.DISCONNECTED.value)}


def _pages_failing(over: Over) -> Alert:
    threshold = thresholds.PAGES_FAILING
    window = over(threshold.window_s)
    streams = increase(catalogue.CLIENT_STREAM_OUTCOMES, window, _FAILED_STREAMS)
    failures = f"({streams} + {increase(catalogue.CLIENT_PAGE_ERRORS, window)})"
    ended = increase(catalogue.CLIENT_STREAM_OUTCOMES, window)
    return Alert(
        "CortexProxyPagesFailing",
        threshold,
        f"{failures}\n/\nclamp_min({ended}, 1)\n> {number(threshold.value)}\nand\n{failures} >= {threshold.least}",
        "Pages fail in front of their readers.",
        f"{JOB}: pages reported {FACTOR} errors and failed streams per stream in the last {window}; the limit is "
        f"{threshold.value:g}.",
        "clients/page-errors",
    )


def _calls_unpriced(over: Over) -> Alert:
    threshold = thresholds.CALLS_UNPRICED
    return Alert(
        "CortexProxyCallsUnpriced",
        threshold,
        _at_least(catalogue.UNPRICED, threshold, over, by=("reason",)),
        "Answers have no price, so the cost shown is too low.",
        f"{JOB}: {COUNT} answers could not be priced in the last {over(threshold.window_s)} "
        f"({{{{ $labels.reason }}}}).",
        "tokens/unpriced-calls",
        severity=Severity.INFO,
    )


# --- telemetry's own health


def _telemetry_lost(over: Over) -> Alert:
    threshold = thresholds.TELEMETRY_LOST
    return Alert(
        "CortexProxyTelemetryLost",
        threshold,
        _at_least(catalogue.EXPORT_FAILURES, threshold, over, by=("signal",)),
        "Telemetry is lost on its way to the collector.",
        f"{JOB}: {COUNT} batches of {{{{ $labels.signal }}}} were taken by no collector in the last "
        f"{over(threshold.window_s)}.",
        "overview/export-failures",
    )


def _label_overflow(over: Over) -> Alert:
    threshold = thresholds.LABEL_OVERFLOW
    return Alert(
        "CortexProxyLabelOverflow",
        threshold,
        _at_least(catalogue.LABEL_OVERFLOW, threshold, over, by=("label",)),
        "Metrics get values that they do not know.",
        f"{JOB}: {COUNT} values of the label {{{{ $labels.label }}}} were written as {catalogue.OTHER} in the last "
        f"{over(threshold.window_s)}.",
        "overview/label-overflow",
        severity=Severity.INFO,
    )


def _series_budget(_over: Over) -> Alert:
    threshold = thresholds.SERIES
    of_proxies = f"scrape_samples_scraped and on (job, instance) {series(catalogue.BUILD_INFO)}"
    return Alert(
        "CortexProxySeriesBudget",
        threshold,
        f"{total(of_proxies, how='max')} > {number(threshold.value)}",
        "A process shows more series than its budget.",
        f"{JOB}: one scrape of a process brought {COUNT} samples; the budget is {threshold.value:g}.",
        "overview/scrapes",
    )


# --- the mock and the suites


def _mock_down(_over: Over) -> Alert:
    """Where none was ever asked, none is missed: in production there is no mock."""
    threshold = thresholds.MOCK_DOWN
    return Alert(
        "CortexMockDown",
        threshold,
        f"{total(_up(thresholds.MOCK_JOB))} == {number(threshold.value)}",
        "The mock does not answer.",
        f"{JOB}: no mock has answered Prometheus for {span(threshold.for_s)}; rehearsals fail for its sake.",
        "harness/mock-up",
        component=Component.MOCK,
    )


def _mock_frames_late(over: Over) -> Alert:
    threshold = thresholds.MOCK_FRAME_LATENESS
    window = over(threshold.window_s)
    sent = increase(catalogue.MOCK_FRAME_LATENESS, window, suffix="_count")
    return Alert(
        "CortexMockFramesLate",
        threshold,
        f"{quantile(catalogue.MOCK_FRAME_LATENESS, 0.99, window)}\n> {number(threshold.value)}\nand\n"
        f"{sent} >= {threshold.least}",
        "The mock cannot keep its schedule.",
        f"{JOB}: one frame in a hundred left {TIME} or more behind its schedule in the last {window}; measurements of "
        f"the proxy's speed are off by as much.",
        "harness/frame-lateness",
        component=Component.MOCK,
    )


def _mock_misses(over: Over) -> Alert:
    threshold = thresholds.MOCK_MISSES
    return Alert(
        "CortexMockMisses",
        threshold,
        _at_least(catalogue.MOCK_MISSES, threshold, over, by=("surface",)),
        "Requests find no cassette.",
        f"{JOB}: {COUNT} requests to the mock's {{{{ $labels.surface }}}} surface matched no recording in the last "
        f"{over(threshold.window_s)}.",
        "harness/mock-misses",
        component=Component.MOCK,
    )


def _suite_failing(_over: Over) -> Alert:
    threshold = thresholds.SUITE_FAILING
    failed = series(catalogue.SUITE_TESTS, {"outcome": ("failed", "error")})
    return Alert(
        "CortexSuiteFailing",
        threshold,
        f"{total(failed, ('suite',))} >= {number(threshold.value)}",
        "A test suite's last run failed.",
        f"{JOB}: {COUNT} tests of the suite {{{{ $labels.suite }}}} failed or could not run.",
        "harness/suite-results",
        component=Component.SUITE,
    )


def _suite_stale(_over: Over) -> Alert:
    threshold = thresholds.SUITE_AGE
    return Alert(
        "CortexSuiteStale",
        threshold,
        f"time() - {total(series(catalogue.SUITE_FINISHED), ('suite',), how='max')} > {number(threshold.value)}",
        "A test suite has not run for days.",
        f"{JOB}: the last run of the suite {{{{ $labels.suite }}}} ended {TIME} ago; its result is of another day.",
        "harness/suite-age",
        component=Component.SUITE,
    )


_CAUSES = (
    _down,
    _partly_down,
    _mode_mixed,
    _streams_broken,
    _streams_stalling,
    _stream_capacity,
    _breaker_open,
    _retry_amplification,
    _retry_budget_exhausted,
    _upstream_throttled,
    _upstream_unauthorized,
    _key_old,
    _certificate_expiring,
    _limit_headroom,
    _token_refresh_failing,
    _history_losing_turns,
    _store_down,
    _pages_failing,
    _calls_unpriced,
    _telemetry_lost,
    _label_overflow,
    _series_budget,
    _mock_down,
    _mock_frames_late,
    _mock_misses,
    _suite_failing,
    _suite_stale,
)

ALERTS: tuple[Alert, ...] = (*budgets(), *causes())
"""Every rule that alerts. A name may be there more than once: with other windows, or less severe."""
