"""What an upstream's faults do not bring about: health, our own limits, stores, keys, pages, telemetry, mock, suites.

A table of rehearsals, in the same shape as those of the scenario files; their expectations stand here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from contracts.telemetry import (
    BUILD_INFO,
    SUITE_DURATION,
    SUITE_FINISHED,
    SUITE_FLAKY,
    SUITE_RERUNS,
    SUITE_TEST_DURATION,
    SUITE_TESTS,
)
from dashboards import alerts, thresholds
from dashboards.proof import props
from dashboards.proof.rehearsal import NO_LIMITS, Backstage, Expected, Rehearsal
from dashboards.proof.traffic import (
    QUESTIONS,
    WELL,
    act,
    after,
    chats,
    forgeries,
    gets,
    hiccup,
    in_order,
    leavers,
    measured,
    odd_methods,
    on_second,
    pages,
    scrape,
    scrape_nobody,
    scrape_second,
    sessions,
    spoil_history,
    statements,
    stop_mock,
    stop_proxy,
    tools,
)
from e2e import keys, servers
from e2e.stack import LOOPBACK, Child, free_port, proxy_settings

EVERY_ALERT = tuple(dict.fromkeys(alert.name for alert in alerts.ALERTS))
"""The names, each once."""

OF_THE_MACHINE = ("CortexMockFramesLate",)
"""Alerts that a busy machine brings about, however well all is; they are silent where the mock has little to send."""

FEW_CHATS = {
    "CORTEX_PROXY_POLICIES__CHAT__RATE": "30",
    "CORTEX_PROXY_POLICIES__CHAT__BURST": "30",
    "CORTEX_PROXY_POLICIES__CHAT__AT_ONCE": "30",
}


def _old_keys(backstage: Backstage) -> Mapping[str, str]:
    """The session's key was written a hundred days ago."""
    written_s = time.time() - thresholds.KEY_AGE.value - 10 * thresholds.DAY_S
    os.utime(backstage.folder / "session.key", (written_s, written_s))
    return {}


def _expiring_certificate(backstage: Backstage) -> Mapping[str, str]:
    """Snowflake's stand-in shows a certificate of three days."""
    url, authority = backstage.cleanup.enter_context(
        props.behind_tls(backstage.folder, backstage.mock_port, valid_days=3)
    )
    return {"CORTEX_PROXY_SNOWFLAKE_URL": url, "CORTEX_PROXY_CA_FILE": str(authority)}


def _redis(backstage: Backstage) -> Mapping[str, str]:
    """Limits and history are in Redis, which can be ended."""
    redis = backstage.cleanup.enter_context(servers.redis(backstage.folder))
    backstage.acts["redis dies"] = redis.stop
    return {"CORTEX_PROXY_REDIS_URL": redis.url()}


def _refusing_collector(backstage: Backstage) -> Mapping[str, str]:
    """A collector that takes nothing, and is offered something twice a second."""
    address = backstage.cleanup.enter_context(props.answering(400))
    pauses = dict.fromkeys(("OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY"), "500")
    return {"CORTEX_PROXY_OTLP_ENDPOINT": f"http://{address}", **pauses}


def _other_prices(backstage: Backstage) -> Mapping[str, str]:
    """A price table without the model that answers."""
    table = backstage.folder / "prices.yaml"
    table.write_text("models:\n  another-model: {input: 1.0, cached: 0.1, output: 5.0}\n", encoding="utf-8")
    return {"CORTEX_PROXY_PRICES_FILE": str(table)}


def _live_proxy(backstage: Backstage) -> Mapping[str, str]:
    """One more process of the same job, set up for Snowflake itself; nobody asks it anything."""
    _start_second(backstage, "https://bench.snowflakecomputing.com")
    return {}


def _second_proxy(backstage: Backstage) -> Mapping[str, str]:
    """One more process of the same job, before the same mock."""
    _start_second(backstage, f"http://{LOOPBACK}:{backstage.mock_port}")
    return {}


def _start_second(backstage: Backstage, upstream_url: str) -> None:
    port = free_port()
    environment = {
        **proxy_settings(upstream_url, keys.ensure(backstage.folder)),
        **NO_LIMITS,
        "CORTEX_PROXY_HISTORY_FILE": ":memory:",
        "CORTEX_PROXY_METRICS_PORT": str(port),
    }
    child = Child("second proxy", ["proxy", "--port", "0"], environment, backstage.folder / "second.log")
    backstage.cleanup.enter_context(child)
    backstage.addresses["second proxy itself"] = child.url()
    backstage.addresses["second proxy"] = f"{LOOPBACK}:{port}"


def _suite(*, failed: int, age_s: float) -> bytes:
    """The report of a suite's last run."""
    outcomes = {"passed": 120, "failed": failed, "error": 0, "skipped": 0, "quarantined": 0}
    times = {"median": 0.2, "p95": 1.5, "longest": 6.25}
    return props.exposition(
        {
            SUITE_TESTS.exposed: {f'suite="e2e",outcome="{name}"': count for name, count in outcomes.items()},
            SUITE_DURATION.exposed: {'suite="e2e"': 41.5},
            SUITE_FINISHED.exposed: {'suite="e2e"': time.time() - age_s},
            SUITE_TEST_DURATION.exposed: {f'suite="e2e",statistic="{name}"': took_s for name, took_s in times.items()},
            SUITE_RERUNS.exposed: {'suite="e2e"': 2 * failed},
            SUITE_FLAKY.exposed: {'suite="e2e"': failed // 2},
        }
    )


def _many_series() -> bytes:
    """What a process would show that keeps to no budget."""
    return props.exposition(
        {
            BUILD_INFO.exposed: {'version="made-up"': 1},
            "made_up": {f'number="{number}"': number for number in range(thresholds.SERIES_BUDGET + 100)},
        }
    )


SITUATIONS: tuple[Rehearsal, ...] = (
    Rehearsal(
        "healthy",
        "everything works: chats, tools, pages, sessions",
        (
            in_order(tools(2, 0.1, ("sql",)), chats(36, 0.6, QUESTIONS)),
            after(4, tools(16, 1)),
            after(4, pages(10, 1.5, *WELL)),
            after(4, sessions(5, 3)),
            gets(3, 5, "/"),
            scrape(lambda rehearsal: rehearsal.suite_job, _suite(failed=0, age_s=60)),
        ),
        Expected(
            moves=(
                "overview/requests",
                "streaming/stream-endings",
                "streaming/time-to-first-token",
                "upstream/attempts",
                "limits/decisions",
                "tools/tool-calls",
                "tokens/tokens",
                "clients/first-token-in-the-page",
                "harness/mock-requests",
            ),
            still=(
                "overview/burn-rate",
                "overview/errors",
                "overview/export-failures",
                "overview/label-overflow",
                "streaming/stalls",
                "upstream/retries",
                "upstream/budget-denials",
                "upstream/breaker-state",
                "upstream/throttled",
                "upstream/credentials-refused",
                "upstream/upstream-errors",
                "limits/refusals",
                "clients/page-errors",
                "clients/measurements-dropped",
                "harness/mock-misses",
                "harness/faults",
            ),
            silent=tuple(name for name in EVERY_ALERT if name not in OF_THE_MACHINE),
        ),
        is_fast=True,
    ),
    Rehearsal(
        "two-processes",
        "two processes of one job: all is well in one, every other answer breaks in the other",
        (
            after(7, in_order(chats(14, 0.5), tools(4, 0.5, ("search", "analyst")), pages(5, 0.3, *WELL))),
            on_second(
                chats(7, 0.6),
                chats(7, 0.6, fault={"cut": {"after": "response.text.delta"}}),
                tools(4, 0.5, ("search", "chart")),
                pages(10, 0.3, *WELL),
                tools(4, 0.5, ("search",), fault="search_unavailable"),
                sessions(2, 0.5),
            ),
        ),
        Expected(
            moves=("overview/burn-rate", "streaming/stream-endings", "tools/tool-outcomes"),
            still=("upstream/throttled", "upstream/credentials-refused", "limits/refusals"),
            fires=("CortexProxyStreamsBroken",),
            silent=("CortexProxyModeMixed", "CortexProxyDown"),
        ),
        prepare=_second_proxy,
    ),
    Rehearsal(
        "quota-storm",
        "one session asks far more than its limit allows",
        (chats(70, 0.1, pace=0.01),),
        Expected(
            moves=("limits/refusals", "limits/headroom", "limits/decisions"),
            still=("upstream/throttled", "upstream/retries"),
            fires=("CortexProxyLimitHeadroomLow",),
            silent=("CortexProxyUpstreamThrottled", "CortexProxyStreamsBroken"),
        ),
        proxy=FEW_CHATS,
        hold_s=15,
        is_fast=True,
    ),
    Rehearsal(
        "streams-full",
        "a process runs as many streams as it may",
        (
            in_order(
                chats(12, 0.1, pace=2),
            ),
        ),
        Expected(
            moves=("limits/stream-capacity", "streaming/streams-open"),
            fires=("CortexProxyStreamCapacityLow",),
            silent=("CortexProxyStreamsBroken",),
        ),
        proxy={"CORTEX_PROXY_MAX_STREAMS": "4"},
    ),
    Rehearsal(
        "streams-stall",
        "answers stand still for more than five seconds",
        (
            chats(6, 0.1, fault={"stall": {"after": "response.text.delta", "ms": 5600}}),
            pages(6, 1, [measured("stall_s", 5.6), measured("stream_outcome", label="completed")]),
        ),
        Expected(
            moves=("streaming/stalls", "streaming/gaps", "clients/silences"),
            still=("upstream/throttled",),
            fires=("CortexProxyStreamsStalling",),
            silent=("CortexProxyStreamsBroken",),
        ),
    ),
    Rehearsal(
        "upstream-gives-up",
        "answers stand still for longer than the proxy waits",
        (chats(6, 0.3, fault={"stall": {"after": "response.text.delta", "ms": 9000}}), chats(3, 1)),
        Expected(
            moves=("streaming/stream-endings",),
            fires=("CortexProxyStreamsBroken", "CortexProxyStreamCompletionBudgetBurn"),
        ),
        proxy={"CORTEX_PROXY_POLICIES__CHAT__IDLE_TIMEOUT_S": "2"},
    ),
    Rehearsal(
        "first-token-late",
        "Snowflake thinks for eleven seconds before each answer",
        (chats(1, 0), chats(10, 0.6, fault={"delay": {"headers_ms": 11_500}})),
        Expected(
            moves=("streaming/time-to-first-token", "streaming/first-token-by-stage"),
            fires=("CortexProxyFirstTokenBudgetBurn",),
            silent=("CortexProxyStreamsBroken", "CortexProxyStreamCompletionBudgetBurn"),
        ),
    ),
    Rehearsal(
        "turns-too-long",
        "answers take longer than a turn may",
        (chats(6, 0.3, pace=1), chats(6, 0.8)),
        Expected(
            moves=("streaming/stream-endings",),
            fires=("CortexProxyStreamCompletionBudgetBurn",),
            silent=("CortexProxyStreamsBroken",),
        ),
        proxy={"CORTEX_PROXY_POLICIES__CHAT__DEADLINE_S": "2"},
    ),
    Rehearsal(
        "clients-leave",
        "readers close the page while an answer runs",
        (leavers(10, 0.5), chats(4, 1)),
        Expected(
            moves=("streaming/stream-endings",),
            still=("upstream/throttled", "upstream/retries"),
            silent=("CortexProxyStreamsBroken", "CortexProxyStreamCompletionBudgetBurn"),
        ),
        is_fast=True,
    ),
    Rehearsal(
        "tokens-forged",
        "requests for a session token come with one that is none",
        (forgeries(20, 0.3), chats(4, 1)),
        Expected(
            moves=("limits/session-tokens",),
            fires=("CortexProxyTokenRefreshFailing",),
            silent=("CortexProxyUpstreamUnauthorized",),
        ),
    ),
    Rehearsal(
        "history-spoilt",
        "the history's file is no database any more",
        (in_order(chats(3, 0.5), chats(10, 0.5)), after(2, spoil_history(60, 0.5))),
        Expected(
            moves=("limits/history-turns",),
            fires=("CortexProxyHistoryLosingTurns", "CortexProxyStoreDown"),
            silent=("CortexProxyStreamsBroken",),
        ),
        hold_s=34,
    ),
    Rehearsal(
        "redis-dies",
        "the Redis that holds limits and history ends",
        (in_order(chats(3, 0.5), act("redis dies"), chats(12, 0.5)), gets(16, 1, "/readyz")),
        Expected(
            moves=("overview/errors",),
            fires=("CortexProxyStoreDown", "CortexProxyAvailabilityBudgetBurn"),
            silent=("CortexProxyStreamsBroken",),
        ),
        prepare=_redis,
    ),
    Rehearsal(
        "telemetry-refused",
        "the proxy's collector takes nothing, and the mock's is not there",
        (chats(24, 0.5),),
        Expected(
            moves=("overview/export-failures", "harness/mock-telemetry-dropped"),
            fires=("CortexProxyTelemetryLost",),
            silent=("CortexProxyStreamsBroken",),
        ),
        prepare=_refusing_collector,
        mock=("--otlp-endpoint", f"http://{LOOPBACK}:9"),
    ),
    Rehearsal(
        "odd-methods",
        "requests come with a method that nobody knows",
        (odd_methods(20, 0.3), chats(3, 1)),
        Expected(moves=("overview/label-overflow",), fires=("CortexProxyLabelOverflow",)),
    ),
    Rehearsal(
        "series-flood",
        "a process shows more series than its budget (a made-up one: ours keeps to it)",
        (scrape(lambda rehearsal: rehearsal.proxy_job, _many_series()), chats(4, 1)),
        Expected(moves=("overview/scrapes",), fires=("CortexProxySeriesBudget",)),
        hold_s=10,
    ),
    Rehearsal(
        "key-old",
        "a key is older than keys may be",
        (chats(4, 1),),
        Expected(moves=("upstream/certificate-and-key-age",), fires=("CortexProxyKeyOld",)),
        prepare=_old_keys,
        hold_s=22,
    ),
    Rehearsal(
        "certificate-ends",
        "the certificate that Snowflake shows ends in three days",
        (chats(6, 1),),
        Expected(moves=("upstream/certificate-and-key-age",), fires=("CortexProxyCertificateExpiring",)),
        prepare=_expiring_certificate,
        hold_s=22,
    ),
    Rehearsal(
        "modes-mixed",
        "one process of a job stands before Snowflake, the other before a stand-in",
        (scrape_second, chats(4, 1)),
        Expected(moves=("overview/mode",), fires=("CortexProxyModeMixed",)),
        prepare=_live_proxy,
        hold_s=10,
    ),
    Rehearsal(
        "pages-fail",
        "pages report errors and failed streams",
        (
            pages(
                12,
                0.6,
                [
                    measured("page_error", label="script"),
                    measured("page_error", label="network"),
                    measured("stream_outcome", label="error"),
                    measured("stream_outcome", label="completed"),
                    measured("no_such_metric"),
                    measured("cls", 99),
                ],
            ),
            chats(3, 1),
        ),
        Expected(
            moves=("clients/page-errors", "clients/stream-outcomes", "clients/measurements-dropped"),
            fires=("CortexProxyPagesFailing",),
            silent=("CortexProxyStreamsBroken",),
        ),
        is_fast=True,
    ),
    Rehearsal(
        "calls-unpriced",
        "the price table does not know the model",
        (chats(10, 0.6),),
        Expected(
            moves=("tokens/unpriced-calls", "tokens/tokens"),
            still=("tokens/cost",),
            fires=("CortexProxyCallsUnpriced",),
        ),
        prepare=_other_prices,
    ),
    Rehearsal(
        "statements-fail",
        "SQL is wrong, or not allowed",
        (
            statements(10, 0.7, "SELECT no_such_column FROM CORTEX_BENCH_DB.SALES.ORDERS"),
            statements(4, 1, "DROP TABLE CORTEX_BENCH_DB.SALES.ORDERS"),
            chats(3, 1, QUESTIONS),
        ),
        Expected(moves=("tools/tool-outcomes", "tools/tool-calls")),
    ),
    Rehearsal(
        "questions-unknown",
        "nobody has recorded an answer to what is asked",
        (chats(10, 0.5, ("What will the weather be?",)), chats(3, 1)),
        Expected(moves=("harness/mock-misses",), fires=("CortexMockMisses",)),
        is_fast=True,
    ),
    Rehearsal(
        "mock-late",
        "the machine has no time for the mock",
        (chats(20, 0.3, pace=0.5), hiccup(14, 0.25, 0.35)),
        Expected(moves=("harness/frame-lateness",), fires=("CortexMockFramesLate",)),
    ),
    Rehearsal(
        "mock-down",
        "the mock has ended",
        (in_order(chats(4, 0.5), stop_mock, chats(8, 0.5)),),
        Expected(
            moves=("upstream/attempts", "overview/errors"),
            fires=("CortexMockDown", "CortexProxyAvailabilityBudgetBurn"),
            silent=("CortexProxyDown",),
        ),
    ),
    Rehearsal(
        "proxy-down",
        "the proxy has ended",
        (in_order(chats(4, 0.5), stop_proxy),),
        Expected(moves=("overview/scrapes",), fires=("CortexProxyDown",), silent=("CortexMockDown",)),
        hold_s=8,
    ),
    Rehearsal(
        "one-of-two-down",
        "one of two processes of the proxy is not there",
        (scrape_nobody, chats(4, 1)),
        Expected(moves=("overview/scrapes",), fires=("CortexProxyDown",), silent=("CortexMockDown",)),
        hold_s=8,
    ),
    Rehearsal(
        "suite-fails",
        "the last run of a test suite failed, three days ago",
        (scrape(lambda rehearsal: rehearsal.suite_job, _suite(failed=2, age_s=3 * thresholds.DAY_S)),),
        Expected(
            moves=(
                *("harness/suite-results", "harness/suite-duration", "harness/suite-age"),
                *("harness/test-times", "harness/flaky-tests"),
            ),
            fires=("CortexSuiteFailing", "CortexSuiteStale"),
            silent=OF_THE_MACHINE,
        ),
        hold_s=24,
    ),
)
"""The healthy one is first: it is played alone, so that nothing else takes its time."""
