"""Numbers on panels against what clients counted, the mock noted, and the rehearsal put there.

Each panel's own query is asked with all of the rehearsal as its window. A count may be off by what lies between two
scrapes; a quantile by the width of the bucket that holds the measured one.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts import telemetry as catalogue
from contracts.telemetry import Metric
from dashboards import thresholds
from dashboards.check.model import Fault
from dashboards.proof.board import Board, Panel, Query
from dashboards.proof.evaluate import setting
from dashboards.proof.play import Played
from dashboards.proof.prometheus import Monitor, PrometheusError, Series
from dashboards.proof.rehearsal import Rehearsal
from dashboards.proof.traffic import CHAT, HISTORY, QUICK, REPORT, SLOW, TOKEN, TOOL

OFF_BY, OFF_BY_SHARE = 0.75, 0.2
"""How far a count may be off: most of one event, and what is extrapolated to the ends of a dozen scrapes."""

NEAR = 0.1
"""How near a bound a measurement may be taken for one of the next bucket: a client's clock is not the proxy's."""

Values = Mapping[str, float]
"""Numbers by a label's value; "" for all together."""


class Kind(StrEnum):
    """How a query's answer becomes the number that is compared."""

    COUNT = "events, of a rate over the whole rehearsal"
    VALUE = "the value at its end"
    PEAK = "the highest value"
    TROUGH = "the lowest value"
    QUANTILE = "within the width of a bucket"


@dataclass(frozen=True, slots=True)
class Truth:
    """What one query of a panel must show.

    by: the label whose values tell series apart, "" to add all up.   known: the numbers, by those values.
    within: the rehearsals in which it is compared; all, when empty.   buckets: of the histogram, of a quantile.
    is_all: whether nothing else can have happened, so that every other number must be zero.
    """

    panel: str
    ref: str
    by: str
    kind: Kind
    known: Callable[[Played], Values]
    within: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_all: bool = False

    def concerns(self, rehearsal: Rehearsal) -> bool:
        """Whether it is compared in a rehearsal."""
        return not self.within or rehearsal.name in self.within


# --- what is known


def _tally(thing: str) -> Callable[[Played], Values]:
    return lambda played: played.tally.by_label(thing)


def _always(known: Values) -> Callable[[Played], Values]:
    return lambda _played: known


_API = (CHAT, TOKEN, REPORT, TOOL, HISTORY)


def _routes(played: Played) -> Values:
    counted: Counter[str] = Counter()
    for answer, number in played.tally.by_label("answers").items():
        counted[answer.split(" ")[0]] += number
    return {route: counted[route] for route in _API if counted[route]}


def _errors(played: Played) -> Values:
    counted: Counter[str] = Counter()
    for answer, number in played.tally.by_label("answers").items():
        if (status := answer.split(" ")[1]) >= "400":
            counted[f"{status[0]}xx"] += number
    return counted


def _availability(played: Played) -> Values:
    answers = {each: n for each, n in played.tally.by_label("answers").items() if each.split(" ")[0] in _API}
    failed = sum(number for answer, number in answers.items() if answer.split(" ")[1] >= "500")
    return {"": 1 - failed / sum(answers.values())}


_GONE = ("client_gone", "client_slow")
_KEPT = ("completed", "cancelled")


def _completion(played: Played) -> Values:
    ended = {reason: n for reason, n in played.tally.by_label("streams").items() if reason not in _GONE}
    return {"": sum(ended.get(each, 0) for each in _KEPT) / sum(ended.values())}


def _measured(thing: str, share: float) -> Callable[[Played], Values]:
    def known(played: Played) -> Values:
        times_s = sorted(played.tally.times_s[thing])
        return {"": times_s[min(math.ceil(share * len(times_s)), len(times_s)) - 1]} if times_s else {}

    return known


def _journal(by: str, of: Callable[[Mapping[str, object]], bool] = lambda _entry: True) -> Callable[[Played], Values]:
    """Entries of the mock's journal, by one of their fields."""

    def known(played: Played) -> Values:
        return Counter(str(entry[by]) if by else "" for entry in played.journal if of(entry))

    return known


def _status(*statuses: int) -> Callable[[Mapping[str, object]], bool]:
    return lambda entry: entry["status"] in statuses


def _share_of_attempts(*statuses: int) -> Callable[[Played], Values]:
    def known(played: Played) -> Values:
        return {"agent": sum(entry["status"] in statuses for entry in played.journal) / len(played.journal)}

    return known


def _frames(played: Played) -> Values:
    sent: Counter[str] = Counter()
    for entry in played.journal:
        sent[str(entry["surface"])] += int(entry["frames_sent"])
    return sent


def _tools(played: Played) -> Values:
    counted: Counter[str] = Counter()
    for called, number in played.tally.by_label("tools").items():
        counted[called.split(" ")[0]] += number
    return counted


def _retries(played: Played) -> Values:
    return {"": len(played.journal) - sum(_chats(played).values())}


def _chats(played: Played) -> Counter[str]:
    answers = played.tally.by_label("answers")
    return Counter({each.split(" ")[1]: n for each, n in answers.items() if each.startswith(f"{CHAT} ")})


def _amplification(played: Played) -> Values:
    return {"agent": len(played.journal) / sum(_chats(played).values())}


def _spoken(played: Played) -> Values:
    tokens = played.tally.by_label("tokens")
    return {"claude-sonnet-4-6": tokens["input"] + tokens["output"]}


def _cost(played: Played) -> float:
    """By the prices of proxy/deploy/prices.example.yaml, in US dollars a million."""
    tokens = played.tally.by_label("tokens")
    return ((tokens["input"] - tokens["cached"]) * 4.0 + tokens["cached"] * 0.4 + tokens["output"] * 20.0) / 1e6


def _turns(kind: str) -> Callable[[Played], Values]:
    def known(played: Played) -> Values:
        return {"": played.tally.by_label("tokens")[kind] / sum(played.tally.by_label("streams").values())}

    return known


def _cached_share(played: Played) -> Values:
    tokens = played.tally.by_label("tokens")
    return {"": tokens["cached"] / tokens["input"]}


def _refused(played: Played) -> Values:
    return {"chat": _chats(played)["429"]}


# --- the table

_HEALTHY = ("healthy",)
_TWO = ("healthy", "two-processes")
"""Of two processes a sum is no maximum."""

_CUT = ("cut-mid-stream", "reset-mid-stream", "ends-early", "fails-mid-stream")
_THROTTLED = ("throttled-then-served", "throttled-with-advice")
_REFUSED = ("jwt-refused", "credential-missing")
_NOTED = (*_HEALTHY, *_CUT, *_THROTTLED, *_REFUSED, "questions-unknown")
"""Those that end with the mock still there to be asked."""

_QUANTILES = (("A", 0.5), ("B", 0.95), ("C", 0.99))


def _quantiles(panel: str, metric: Metric, thing: str, within: tuple[str, ...]) -> Iterator[Truth]:
    for ref, share in _QUANTILES:
        yield Truth(panel, ref, "", Kind.QUANTILE, _measured(thing, share), within, metric.buckets)


def _reported(panel: str, metric: Metric, name: str) -> Iterator[Truth]:
    """Three pages in five are quick: so is the median, and the other quantiles are slow."""
    for ref, value in (("A", QUICK[name]), ("B", SLOW[name]), ("C", SLOW[name])):
        yield Truth(panel, ref, "", Kind.QUANTILE, _always({"": value}), _HEALTHY, metric.buckets)


def _modes() -> Iterator[Truth]:
    """On every dashboard: 1 is live, 2 is rehearsal, 3 is both, however many processes say so."""
    for slug in ("overview", "streaming", "upstream", "limits", "tools", "tokens", "clients", "logs"):
        yield Truth(f"{slug}/mode", "A", "", Kind.VALUE, _always({"": 2}), _TWO)
        yield Truth(f"{slug}/mode", "A", "", Kind.PEAK, _always({"": 3}), ("modes-mixed",))


def _depths(panel: str, within: tuple[str, ...]) -> Iterator[Truth]:
    """The question that is always asked takes the agent three tools."""
    for ref, _ in _QUANTILES:
        buckets = catalogue.AGENT_TOOL_CALLS.buckets
        yield Truth(panel, ref, "", Kind.QUANTILE, _always({"": 3}), within, buckets)


def _late(panel: str, ref: str, metric: Metric, by: str = "", key: str = "") -> Truth:
    """Eleven and a half seconds of thinking."""
    return Truth(panel, ref, by, Kind.QUANTILE, _always({key: 11.5}), ("first-token-late",), metric.buckets)


TRUTHS: tuple[Truth, ...] = (
    *_modes(),
    Truth("overview/version", "A", "", Kind.VALUE, _always({"": 1}), _HEALTHY),
    Truth("overview/availability", "A", "", Kind.VALUE, _availability, (*_TWO, "server-error", "redis-dies")),
    Truth("overview/first-token", "A", "", Kind.VALUE, _always({"": 1}), (*_HEALTHY, *_CUT)),
    Truth("overview/first-token", "A", "", Kind.VALUE, _always({"": 0}), ("first-token-late",)),
    Truth("overview/stream-completion", "A", "", Kind.VALUE, _completion, (*_TWO, *_CUT, "clients-leave")),
    Truth("overview/tool-success", "A", "", Kind.VALUE, _always({"": 1}), _HEALTHY),
    Truth("overview/tool-success", "A", "", Kind.VALUE, _always({"": 0}), ("search-unavailable", "sql-throttled")),
    Truth("overview/error-budget-remaining", "A", "sloth_slo", Kind.VALUE, _always({"availability": 1}), _HEALTHY),
    Truth("overview/burn-rate", "A", "", Kind.PEAK, _always({"": 0}), _HEALTHY),
    Truth("overview/requests", "A", "route", Kind.COUNT, _routes),
    Truth("overview/errors", "A", "status_class", Kind.COUNT, _errors, is_all=True),
    _late("overview/duration", "C", catalogue.REQUEST_DURATION),
    Truth("overview/streams-open", "A", "", Kind.PEAK, _always({"": 4}), ("streams-full",)),
    Truth("overview/streams-open", "B", "", Kind.VALUE, _always({"": 4}), ("streams-full",)),
    Truth("streaming/stream-endings", "A", "reason", Kind.COUNT, _tally("streams"), is_all=True),
    Truth("streaming/completion-ratio", "A", "", Kind.VALUE, _completion, (*_TWO, *_CUT, "clients-leave")),
    Truth("streaming/streams-open", "A", "", Kind.PEAK, _always({"": 4}), ("streams-full",)),
    Truth("streaming/streams-open", "B", "", Kind.VALUE, _always({"": 4}), ("streams-full",)),
    *_quantiles("streaming/time-to-first-token", catalogue.STREAM_FIRST_TOKEN, "first text", _HEALTHY),
    *_quantiles("streaming/first-event", catalogue.STREAM_FIRST_EVENT, "first event", _HEALTHY),
    *_quantiles("streaming/stream-duration", catalogue.STREAM_DURATION, "stream", (*_HEALTHY, "slow-tokens")),
    _late("streaming/first-token-by-stage", "A", catalogue.STREAM_STAGES, "stage", "upstream"),
    _late("streaming/time-to-first-token", "B", catalogue.STREAM_FIRST_TOKEN),
    Truth("streaming/stalls", "A", "", Kind.VALUE, _always({"": 1}), ("streams-stall",)),
    Truth("upstream/attempts", "A", "", Kind.COUNT, _journal(""), (*_HEALTHY, *_CUT, *_THROTTLED, *_REFUSED)),
    Truth(
        "upstream/attempts",
        "A",
        "outcome",
        Kind.COUNT,
        lambda p: {"throttled": _journal("", _status(429))(p)[""]},
        _THROTTLED,
    ),
    _late("upstream/upstream-latency", "A", catalogue.CLIENT_DURATION, "surface", "agent"),
    Truth("upstream/throttled", "A", "surface", Kind.VALUE, _share_of_attempts(429), _THROTTLED),
    Truth("upstream/credentials-refused", "A", "surface", Kind.VALUE, _share_of_attempts(401), _REFUSED),
    Truth(
        "upstream/certificate-and-key-age",
        "A",
        "key",
        Kind.VALUE,
        _always({"session_key": 100 * thresholds.DAY_S}),
        ("key-old",),
    ),
    Truth(
        "upstream/certificate-and-key-age",
        "B",
        "",
        Kind.VALUE,
        _always({"": 3 * thresholds.DAY_S}),
        ("certificate-ends",),
    ),
    Truth("upstream/retries", "A", "", Kind.COUNT, _retries, _THROTTLED),
    Truth("upstream/retry-amplification", "A", "surface", Kind.VALUE, _amplification, (*_THROTTLED, "cut-mid-stream")),
    Truth("upstream/retry-budget", "A", "surface", Kind.TROUGH, _always({"agent": 0}), ("throttled",)),
    Truth(
        "upstream/breaker-state",
        "A",
        "surface",
        Kind.PEAK,
        _always({"agent": 2, "sql": 0}),
        ("server-error", "no-answer"),
    ),
    Truth("limits/decisions", "A", "decision", Kind.COUNT, lambda p: {"refused": _chats(p)["429"]}, ("quota-storm",)),
    Truth("limits/refusals", "A", "policy", Kind.COUNT, _refused, ("quota-storm",)),
    Truth("limits/headroom", "A", "policy", Kind.VALUE, _always({"chat": 0.01}), ("quota-storm",)),
    Truth("limits/stream-capacity", "A", "", Kind.PEAK, _always({"": 1}), ("streams-full",)),
    Truth("limits/session-tokens", "A", "outcome", Kind.COUNT, _tally("session tokens"), is_all=True),
    Truth("limits/stores", "A", "store", Kind.VALUE, _always({"history": 1, "limits": 1}), _TWO),
    Truth("limits/stores", "A", "store", Kind.TROUGH, _always({"history": 0, "limits": 1}), ("history-spoilt",)),
    Truth(
        "limits/history-turns",
        "A",
        "outcome",
        Kind.COUNT,
        lambda p: {"stored": sum(p.tally.by_label("streams").values())},
        _HEALTHY,
    ),
    Truth("tools/tool-calls", "A", "tool", Kind.COUNT, _tools, is_all=True),
    Truth("tools/tool-success-ratio", "A", "tool", Kind.VALUE, _always({"search": 1, "sql": 1}), _HEALTHY),
    Truth("tools/tool-success-ratio", "A", "tool", Kind.VALUE, _always({"search": 0}), ("search-unavailable",)),
    Truth("tools/tool-outcomes", "A", "tool", Kind.VALUE, _tools, _HEALTHY),
    *_depths("tools/agent-depth-quantiles", ("calls-unpriced", "crlf-lines")),
    Truth("tokens/tokens", "A", "kind", Kind.COUNT, _tally("tokens"), is_all=True),
    Truth("tokens/tokens-by-model", "A", "model", Kind.COUNT, _spoken, _TWO),
    Truth("tokens/tokens-per-turn", "A", "", Kind.VALUE, _turns("input"), (*_TWO, *_CUT)),
    Truth("tokens/tokens-per-turn", "B", "", Kind.VALUE, _turns("output"), (*_TWO, *_CUT)),
    Truth("tokens/cached-share", "A", "", Kind.VALUE, _cached_share, (*_TWO, *_CUT)),
    Truth("tokens/cost", "A", "", Kind.VALUE, lambda p: {"": _cost(p) * 3600 / p.range_s}, _TWO),
    Truth("tokens/cost-over-range", "A", "", Kind.VALUE, lambda p: {"": _cost(p)}, _TWO),
    Truth("tokens/cost-by-model", "A", "model", Kind.VALUE, lambda p: {"claude-sonnet-4-6": _cost(p)}, _TWO),
    Truth(
        "tokens/unpriced-calls",
        "A",
        "",
        Kind.VALUE,
        lambda p: {"": sum(p.tally.by_label("streams").values())},
        ("calls-unpriced",),
    ),
    *_reported("clients/first-token-in-the-page", catalogue.CLIENT_FIRST_TOKEN, "time_to_first_token_s"),
    *_reported("clients/largest-contentful-paint", catalogue.CLIENT_LCP, "lcp_s"),
    *_reported("clients/interaction-to-next-paint", catalogue.CLIENT_INP, "inp_s"),
    *_reported("clients/layout-shift", catalogue.CLIENT_CLS, "cls"),
    *_reported("clients/silences", catalogue.CLIENT_STALL, "stall_s"),
    Truth(
        "clients/page-against-proxy",
        "A",
        "",
        Kind.QUANTILE,
        _always({"": 4.0}),
        _HEALTHY,
        catalogue.CLIENT_FIRST_TOKEN.buckets,
    ),
    Truth(
        "clients/page-against-proxy",
        "B",
        "",
        Kind.QUANTILE,
        _measured("first text", 0.95),
        _HEALTHY,
        catalogue.STREAM_FIRST_TOKEN.buckets,
    ),
    Truth(
        "clients/stream-outcomes", "A", "outcome", Kind.COUNT, _tally("page stream_outcome"), (*_HEALTHY, "pages-fail")
    ),
    Truth("clients/page-errors", "A", "kind", Kind.COUNT, _tally("page page_error"), (*_HEALTHY, "pages-fail")),
    Truth(
        "clients/measurements-dropped",
        "A",
        "",
        Kind.COUNT,
        lambda p: {"": p.tally.by_label("measurements")["dropped"]},
        ("pages-fail",),
    ),
    Truth("harness/mock-requests", "A", "outcome", Kind.COUNT, _journal("outcome"), _NOTED, is_all=True),
    Truth(
        "harness/mock-misses",
        "A",
        "surface",
        Kind.VALUE,
        _journal("surface", lambda entry: entry["outcome"] == "missed"),
    ),
    Truth(
        "harness/mock-matches",
        "A",
        "surface",
        Kind.COUNT,
        _journal("surface", lambda entry: entry["cassette"] is not None),
        _HEALTHY,
    ),
    Truth("harness/frames", "A", "surface", Kind.COUNT, _frames, (*_HEALTHY, *_CUT)),
    Truth(
        "harness/faults",
        "A",
        "scenario",
        Kind.COUNT,
        _journal("scenario", lambda entry: entry["fault"] is not None),
        _CUT,
    ),
    Truth(
        "harness/suite-results",
        "A",
        "outcome",
        Kind.VALUE,
        _always({"passed": 120, "failed": 2, "error": 0}),
        ("suite-fails",),
    ),
    Truth("harness/suite-duration", "A", "suite", Kind.VALUE, _always({"e2e": 41.5}), ("suite-fails",)),
    Truth("harness/suite-age", "A", "suite", Kind.VALUE, _always({"e2e": 3 * thresholds.DAY_S}), ("suite-fails",)),
    Truth(
        "harness/test-times",
        "A",
        "statistic",
        Kind.VALUE,
        _always({"median": 0.2, "p95": 1.5, "longest": 6.25}),
        ("suite-fails",),
    ),
    Truth("harness/flaky-tests", "A", "suite", Kind.VALUE, _always({"e2e": 1}), ("suite-fails",)),
    Truth("harness/flaky-tests", "B", "suite", Kind.VALUE, _always({"e2e": 4}), ("suite-fails",)),
)
"""What is compared. A rehearsal whose mock has ended has no journal, and is compared with what clients counted."""


# --- comparing


def untrue(boards: Iterable[Board], played: Played, monitor: Monitor) -> Iterator[Fault]:
    """Where a panel shows another number than is known.   A panel or query that is gone is one, too."""
    queries = {(p.address, q.ref): (p, q) for board in boards for p in board.panels for q in p.queries}
    for truth in TRUTHS:
        if not truth.concerns(played.rehearsal):
            continue
        found = queries.get((truth.panel, truth.ref))
        where = f"{truth.panel} > {truth.ref}"
        if found is None:
            todo = "correct the address, or build the dashboards"
            yield Fault("number-true", where, f"{played.rehearsal.name}: there is no such query", todo)
            continue
        for why in differences(truth, *found, played, monitor):
            todo = "correct the query, or what is known of the rehearsal"
            yield Fault("number-true", where, f"{played.rehearsal.name}: {why}", todo)


def differences(truth: Truth, panel: Panel, query: Query, played: Played, monitor: Monitor) -> Iterator[str]:
    """Where a query shows another number than is known; each in words."""
    known = truth.known(played)
    try:
        shown = _shown(truth, panel, query, played, monitor)
    except PrometheusError as error:
        yield str(error)
        return
    for key in sorted({*known, *(shown if truth.is_all else ())}):
        value = shown.get(key, 0.0 if truth.kind is Kind.COUNT else math.nan)
        if not agrees(truth, value, known.get(key, 0.0)):
            named = f"{truth.by} {key} " if key else ""
            yield f"{named}shows {value:.4g}, and {known.get(key, 0.0):.4g} is known"


def _shown(truth: Truth, panel: Panel, query: Query, played: Played, monitor: Monitor) -> Values:
    """The numbers of a query's answer, by the label that tells them apart."""
    wide = replace(setting(played), rate_s=played.range_s)
    if truth.kind in (Kind.PEAK, Kind.TROUGH):
        text = setting(played).fill(query.text, panel.variables)
        series = monitor.over(text, played.start_s, played.end_s)
        pick = max if truth.kind is Kind.PEAK else min
        return _grouped(series, truth.by, lambda each: pick(each.values) if each.values else math.nan)
    series = monitor.instant(wide.fill(query.text, panel.variables), played.end_s)
    times = played.range_s if truth.kind is Kind.COUNT else 1
    return _grouped(series, truth.by, lambda each: times * each.values[-1] if each.values else math.nan)


def _grouped(series: Iterable[Series], by: str, value: Callable[[Series], float]) -> dict[str, float]:
    grouped: dict[str, float] = {}
    for each in series:
        key = each.labels.get(by, "") if by else ""
        grouped[key] = grouped.get(key, 0.0) + value(each)
    return grouped


def agrees(truth: Truth, shown: float, known: float) -> bool:
    """Whether a number that is shown can be the one that is known."""
    if truth.kind is Kind.QUANTILE:
        low, high = bucket(truth.buckets, known * (1 - NEAR))[0], bucket(truth.buckets, known * (1 + NEAR))[1]
        return low - 1e-9 <= shown <= high + 1e-9
    if truth.kind is Kind.COUNT:
        return abs(shown - known) <= OFF_BY + OFF_BY_SHARE * known
    return abs(shown - known) <= 1e-6 + OFF_BY_SHARE * abs(known)


def bucket(buckets: tuple[float, ...], value: float) -> tuple[float, float]:
    """The bounds of the bucket that holds a value; of what lies beyond the last bound, that is what is shown."""
    number = bisect.bisect_left(buckets, value)
    return (buckets[number - 1] if number else 0.0), buckets[min(number, len(buckets) - 1)]
