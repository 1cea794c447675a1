"""A fortnight that never was, believable all the same: what a proxy, its mock and its suites would have measured.

Working days and quiet nights, a deployment, an hour in which Cortex fails, a storm on the quota, and since days first
tokens that come a little later each day. The same seed gives the same numbers; what belongs together adds up.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from contracts import telemetry as catalogue
from contracts.api import PREFIX, EndReason, PageErrorKind, StreamOutcome, ToolName
from contracts.telemetry import BREAKER_STATES, Mode, Store, Surface, TokenKind, ToolOutcome, UpstreamOutcome
from dashboards.ledger import Ledger, Spread

JOB = "rehearsal"
"""The job of all that is made up; the mock's and the suites' begin with it."""

MOCK_JOB, SUITES_JOB = f"{JOB}-mock", f"{JOB}-suites"
INSTANCES = MappingProxyType({JOB: "made-up:9464", MOCK_JOB: "made-up:9465", SUITES_JOB: "made-up:9100"})
VERSIONS = ("made-up-1", "made-up-2")

DAY_S = 86_400
HOUR_S = 3_600

SCENARIO = "made_up"

PRICES: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {"claude-sonnet-4-6": (4.0, 0.4, 20.0), "openai-gpt-5": (2.0, 0.2, 10.0)}
)
"""Made-up prices: US dollars per million tokens of input, cached input and output."""

_MODEL_SHARE = 0.8  # of turns that the first model answers
_BUSIEST_A_MINUTE = 9.0
_STREAM_S = 24.0
_CAPACITY = 64
_LOADED = MappingProxyType({"model": tuple(PRICES), "version": VERSIONS, "scenario": (SCENARIO,)})

Rows: TypeAlias = Iterator[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which something is so."""

    start_s: float
    end_s: float

    def holds(self, at_s: float) -> bool:
        """Whether it is so."""
        return self.start_s <= at_s < self.end_s

    def progress(self, at_s: float) -> float:
        """0 before, 1 after, evenly between."""
        return min(max((at_s - self.start_s) / (self.end_s - self.start_s), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Story:
    """What happens when; times in seconds since the epoch."""

    start_s: int
    end_s: int
    deploy_s: float
    incident: Spell
    storm: Spell
    slowing: Spell
    stale_cassettes: Spell

    def notes(self) -> Iterator[tuple[float, str]]:
        """What to look at, in the order in which it happens."""
        told = (
            (self.deploy_s, "a deployment: another version, counters begin anew"),
            (self.slowing.start_s, "from here on first tokens come later and memory grows"),
            (self.stale_cassettes.start_s, "requests that no cassette of the mock answers, and a suite that fails"),
            (self.incident.start_s, "Cortex fails: streams break, the breaker opens"),
            (self.storm.start_s, "a storm on the quota: Snowflake throttles, the proxy refuses"),
        )
        return iter(sorted(told))


def story(end_s: int, days: float) -> Story:
    """What happens in the days before a moment.   In less than a week it happens at any hour."""
    span_s = days * DAY_S
    start_s = end_s - round(span_s)

    def moment(share: float, hour: float) -> float:
        at_s = start_s + share * span_s
        if days < 7:
            return at_s
        at_s = at_s - at_s % DAY_S + hour * HOUR_S
        weekend_days = max(datetime.fromtimestamp(at_s, UTC).weekday() - 4, 0)
        return at_s - weekend_days * DAY_S

    def spell(share: float, hour: float, minutes: float) -> Spell:
        begins_s = moment(share, hour)
        return Spell(begins_s, begins_s + min(minutes * 60, 0.08 * span_s))

    deploy_s = moment(0.56, 9.5)
    return Story(
        start_s,
        end_s,
        deploy_s,
        incident=spell(0.68, 13.2, 45),
        storm=spell(0.85, 10.1, 80),
        slowing=Spell(deploy_s, end_s),
        stale_cassettes=spell(0.76, 15.0, 90),
    )


@dataclass(frozen=True, slots=True)
class Weather:
    """How things stand for one step.

    busy: share of the busiest hour.   failing, throttled: shares of the attempts at the agent.   breaker: the agent's.
    crowd: by how much more is asked than usual.   age: how far the slowing has come, 0 to 1.
    """

    busy: float
    failing: float
    throttled: float
    breaker: str
    crowd: float
    age: float
    has_misses: bool


_HOURS = (2, 2, 2, 2, 3, 6, 14, 34, 66, 88, 98, 94, 74, 82, 96, 100, 90, 66, 42, 28, 20, 13, 7, 3)
"""How busy each hour of a working day is, in percent, UTC."""


def busy(at_s: float) -> float:
    """The share of the busiest hour, between the hours' values; at weekends a fifth of it."""
    hour, part = divmod(at_s % DAY_S / HOUR_S, 1)
    here, there = _HOURS[int(hour)], _HOURS[(int(hour) + 1) % 24]
    is_weekend = datetime.fromtimestamp(at_s, UTC).weekday() > 4
    return (here + (there - here) * part) / 100 * (0.2 if is_weekend else 1)


def _weather(told: Story, at_s: float, chance: random.Random) -> Weather:
    fails, storms = told.incident.holds(at_s), told.storm.holds(at_s)
    breaker = chance.choices(("closed", "half-open", "open"), (2, 1, 5))[0] if fails else "closed"
    return Weather(
        busy=max(busy(at_s), 0.6 if fails or storms else 0.02) * chance.uniform(0.9, 1.1),
        failing=0.75 if fails else 0.003,
        throttled=0.5 * math.sin(math.pi * told.storm.progress(at_s)) if storms else 0.0005,
        breaker=breaker,
        crowd=3.5 if storms else 1.0,
        age=told.slowing.progress(at_s),
        has_misses=told.stale_cassettes.holds(at_s),
    )


@dataclass(slots=True)
class History:
    """The fortnight as it goes: each `advance` is one step further, for ever if need be."""

    told: Story
    step_s: int
    seed: int = 1
    at_s: int = field(init=False)
    proxy: Ledger = field(init=False)
    mock: Ledger = field(init=False)
    suites: Ledger = field(init=False)
    _chance: random.Random = field(init=False)
    _version: str = field(init=False, default="")
    _active: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.at_s = self.told.start_s - self.step_s
        self._chance = random.Random(self.seed)  # noqa: S311 - a story, no secret
        self.mock = _ledger(MOCK_JOB, catalogue.MOCK_METRICS)
        self.suites = _ledger(SUITES_JOB, ())
        self._start(VERSIONS[0], self.told.start_s - 3 * DAY_S)

    def _start(self, version: str, since_s: float) -> None:
        self._version, self._active = version, 0
        self.proxy = _ledger(JOB, catalogue.METRICS)
        put = self.proxy.put
        put(catalogue.BUILD_INFO, 1, {"version": version})
        put(catalogue.START_TIME, int(since_s))
        put(catalogue.MODE_INFO, 1, {"mode": Mode.REHEARSAL.value})
        put(catalogue.STREAMS_CAPACITY, _CAPACITY)
        put(catalogue.KEY_MODIFIED, self.told.start_s - 34 * DAY_S, {"key": "private_key"})
        put(catalogue.CERTIFICATE_EXPIRY, self.told.end_s + 39 * DAY_S)
        for store in Store:
            put(catalogue.STORE_UP, 1, {"store": store.value})

    def ledgers(self) -> tuple[Ledger, ...]:
        """What proxy, mock and suites show now."""
        return self.proxy, self.mock, self.suites

    def rows(self) -> Rows:
        """Every series with its value now."""
        for ledger in self.ledgers():
            yield from ledger.rows()

    def advance(self) -> None:
        """One step further: all that happened in it is counted."""
        self.at_s += self.step_s
        if self._version == VERSIONS[0] and self.at_s >= self.told.deploy_s:
            self._start(VERSIONS[1], self.at_s - self.step_s / 2)
        weather = _weather(self.told, self.at_s, self._chance)
        turn = _Step(self.proxy, self.mock, weather, self.step_s, self._chance, self._active)
        turn.happens()
        self._active = turn.active
        _show_process(self.proxy, weather, self.step_s, turn.asked, self._chance)
        _show_suites(self.suites, self.told, self.at_s)
        for ledger in self.ledgers():
            ledger.note("up", 1)
            ledger.note("scrape_samples_scraped", len(ledger))


def _ledger(job: str, metrics: tuple[catalogue.Metric, ...]) -> Ledger:
    ledger = Ledger(MappingProxyType({"job": job, "instance": INSTANCES[job]}), _LOADED)
    ledger.begin(metrics)
    return ledger


# --- one step


_CHAT, _TOKEN, _REPORT = (f"{PREFIX}/{name}" for name in ("chat", "session/token", "metrics/report"))
_HISTORY = f"{PREFIX}/history/{{sessionId}}"
_TOOLS = f"{PREFIX}/tools/{{toolName}}"

_FAILURES = {
    UpstreamOutcome.UNAVAILABLE.value: 0.6,
    UpstreamOutcome.UNREACHABLE.value: 0.15,
    UpstreamOutcome.BROKEN.value: 0.1,
    UpstreamOutcome.TIMEOUT.value: 0.15,
}
_TOOL_SPREADS = {
    ToolName.SEARCH: (Spread(0.35, 0.5), 0.4),
    ToolName.ANALYST: (Spread(3.4, 0.45), 0.22),
    ToolName.SQL: (Spread(0.8, 0.8), 0.3),
    ToolName.CHART: (Spread(0.03, 0.5), 0.15),
}
"""How long each tool takes, and how often a turn's reader uses it."""

_AGENT_HEAD_S = Spread(0.32, 0.4)
_QUEUE_S, _OUT_S = Spread(0.0016, 0.7), Spread(0.0007, 0.6)
_SQL_REFUSED = 0.03


_PLAYED = {
    UpstreamOutcome.OK.value: "answered",
    UpstreamOutcome.REJECTED.value: "missed",
    UpstreamOutcome.THROTTLED.value: "refused",
    UpstreamOutcome.UNAVAILABLE.value: "failed",
    UpstreamOutcome.UNREACHABLE.value: "cut",
    UpstreamOutcome.BROKEN.value: "cut",
    UpstreamOutcome.TIMEOUT.value: "client_gone",
}
"""What the mock calls it."""

_FAULTS = {
    UpstreamOutcome.THROTTLED.value: "quota",
    UpstreamOutcome.UNAVAILABLE.value: "respond",
    UpstreamOutcome.UNREACHABLE.value: "reset",
    UpstreamOutcome.BROKEN.value: "cut",
    UpstreamOutcome.TIMEOUT.value: "stall",
}
"""With which fault it played it."""


@dataclass(frozen=True, slots=True)
class _Calls:
    """What became of calls upstream."""

    answered: int
    failed: int


@dataclass(slots=True)
class _Step:
    """What happens in one step; `happens` counts it all."""

    proxy: Ledger
    mock: Ledger
    weather: Weather
    step_s: int
    chance: random.Random
    active: int
    asked: int = 0

    def happens(self) -> None:
        """Count it."""
        questions = self.many(_BUSIEST_A_MINUTE * self.step_s / 60 * self.weather.busy * self.weather.crowd)
        self.sessions(questions)
        begun = self.chat(questions)
        ended = self.streams(begun)
        self.tools(questions)
        self.pages(ended)
        self.mock.put(catalogue.MOCK_STREAMS_ACTIVE, self.active)

    # -- chance

    def many(self, mean: float) -> int:
        """So many as chance has it."""
        if mean > 30:
            return max(round(self.chance.gauss(mean, math.sqrt(mean))), 0)
        found, left = 0, self.chance.random()
        limit = math.exp(-mean)
        while left > limit:
            found, left = found + 1, left * self.chance.random()
        return found

    def some(self, of: int, share: float) -> int:
        """A share of them."""
        return min(of, self.many(of * share))

    # -- what is shared

    def answer(self, route: str, method: str, statuses: Mapping[str, int], spread: Spread) -> None:
        """Requests answered."""
        for status, count in statuses.items():
            if count:
                labels = {"route": route, "method": method, "status_class": f"{status[0]}xx"}
                self.proxy.add(catalogue.REQUESTS, count, labels)
                if route in catalogue.TIMED_ROUTES and status in catalogue.TIMED_STATUSES:
                    timed = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
                    self.proxy.measure(catalogue.REQUEST_DURATION, count, spread, timed)
        self.asked += sum(statuses.values())

    def decide(self, policy: str, allowed: int, refused: int, used: float) -> None:
        """Limits looked at.   used: how much of them, typically."""
        for decision, count in (("allowed", allowed), ("refused", refused)):
            self.proxy.add(catalogue.LIMIT_DECISIONS, count, {"policy": policy, "decision": decision})
        free = Spread(min(max(used, 0.02), 0.97), 0.35, most=1.0)
        self.proxy.measure(catalogue.LIMIT_USED, allowed, free, {"policy": policy})
        self.proxy.measure(catalogue.LIMIT_USED, refused, Spread(1.3, 0.03), {"policy": policy})

    def call(self, surface: Surface, calls: int, spread: Spread) -> _Calls:
        """Calls upstream, with their further attempts: three at most, while the budget for them lasts."""
        failing, throttled = self.odds(surface)
        misses = self.some(calls, 0.4) if self.weather.has_misses and surface is Surface.ANALYST else 0
        made = Counter({UpstreamOutcome.REJECTED.value: misses})
        now, most = calls - misses, 4 + calls // 5
        budget, failed = most, misses
        for number in (1, 2, 3):
            bad = self.causes(self.some(now, failing + throttled), throttled / (failing + throttled))
            made.update({UpstreamOutcome.OK.value: now - bad.total(), **bad})
            now = 0
            for outcome, count in bad.items():
                repeated = min(count, budget) if number < 3 else 0
                self.repeat(surface, outcome, repeated, count - repeated if number < 3 else 0)
                budget, failed, now = budget - repeated, failed + count - repeated, now + repeated
        self.proxy.put(catalogue.RETRY_BUDGET_LEFT, budget / most, {"surface": surface.value})
        for outcome, count in (+made).items():
            self.attempted(surface, outcome, count, spread)
        return _Calls(made[UpstreamOutcome.OK.value], failed)

    def odds(self, surface: Surface) -> tuple[float, float]:
        """How likely an attempt fails, and how likely it is throttled."""
        if surface is Surface.AGENT:
            return self.weather.failing, self.weather.throttled
        return 0.002, self.weather.throttled / 4

    def attempted(self, surface: Surface, outcome: str, count: int, spread: Spread) -> None:
        """Attempts of one outcome: as the proxy counts them, and as the mock does that they reach."""
        at = {"surface": surface.value}
        self.proxy.add(catalogue.UPSTREAM_ATTEMPTS, count, {**at, "outcome": outcome})
        error = "" if outcome == UpstreamOutcome.OK else outcome
        is_listed = error in catalogue.CLIENT_DURATION.labels["error.type"]
        timed = {"http.request.method": "POST", **at, "error.type": error if is_listed else catalogue.OTHER_ERROR}
        self.proxy.measure(catalogue.CLIENT_DURATION, count, spread, timed)
        as_played = _PLAYED[outcome]
        self.mock.add(catalogue.MOCK_REQUESTS, count, {**at, "outcome": as_played})
        if outcome == UpstreamOutcome.REJECTED:
            self.mock.add(catalogue.MOCK_MISSES, count, at)
            return
        self.mock.add(catalogue.MOCK_MATCHES, count, at)
        frames = count * (60 if surface is Surface.AGENT and not error else 1)
        self.mock.add(catalogue.MOCK_FRAMES, frames, at)
        self.mock.measure(catalogue.MOCK_FRAME_LATENESS, frames, Spread(0.0006, 0.8))
        if error:
            self.mock.add(catalogue.MOCK_FAULTS, count, {"scenario": SCENARIO, "kind": _FAULTS[outcome]})

    def repeat(self, surface: Surface, outcome: str, repeated: int, denied: int) -> None:
        """Attempts repeated, and those for which no budget was left."""
        self.proxy.add(catalogue.UPSTREAM_RETRIES, repeated, {"surface": surface.value, "reason": outcome})
        self.proxy.add(catalogue.RETRY_BUDGET_DENIED, denied, {"surface": surface.value})

    def causes(self, failures: int, throttled: float) -> Counter[str]:
        """Failed attempts by how they failed.   throttled: the share of them that was."""
        if not failures:
            return Counter()
        found = Counter({UpstreamOutcome.THROTTLED.value: self.some(failures, throttled)})
        for outcome, share in _FAILURES.items():
            found[outcome] = min(self.many(failures * share), failures - found.total())
        found[UpstreamOutcome.UNAVAILABLE.value] += failures - found.total()
        return found

    # -- what happens

    def sessions(self, questions: int) -> None:
        """Pages loaded, tokens asked for and renewed, probes."""
        loads = self.many(questions * 0.3)
        renewed, refused, limited = self.some(questions, 0.1), self.some(loads, 0.01), self.some(loads, 0.001)
        for outcome, count in (("issued", loads), ("refreshed", renewed), ("refused", refused)):
            self.proxy.add(catalogue.SESSION_TOKENS, count, {"outcome": outcome})
        quick = Spread(0.004, 0.5)
        self.answer(_TOKEN, "POST", {"200": loads + renewed, "401": refused, "429": limited}, quick)
        self.decide("token", loads + renewed + refused, limited, 0.15 + 0.2 * self.weather.busy)
        self.answer("/", "GET", {"200": loads}, quick)
        self.answer("/client/{name}", "GET", {"200": loads * 5, "304": renewed}, quick)
        self.answer("/livez", "GET", {"200": self.step_s // 10}, Spread(0.002, 0.3))
        self.answer("/readyz", "GET", {"200": self.step_s // 10}, Spread(0.003, 0.3))
        self.answer(catalogue.UNMATCHED, "GET", {"404": self.some(6, 0.02)}, quick)
        self.answer(_HISTORY, "GET", {"200": loads}, Spread(0.006, 0.5))
        self.decide("history", loads, 0, 0.1)

    def chat(self, questions: int) -> int:
        """Questions asked; how many streams begin."""
        crowded = self.weather.crowd > 1
        refused = self.some(questions, 0.3 * self.weather.throttled / 0.5) if crowded else 0
        allowed = questions - refused
        self.decide("chat", allowed, refused, 0.8 if crowded else 0.1 + 0.3 * self.weather.busy)
        short = self.some(allowed, 0.7) if self.weather.breaker == "open" else 0
        calls = self.call(Surface.AGENT, allowed - short, _AGENT_HEAD_S)
        statuses = {"200": calls.answered, "429": refused, "503": short, "502": calls.failed}
        self.answer(_CHAT, "POST", statuses, _AGENT_HEAD_S)
        for surface in Surface:
            state = self.weather.breaker if surface is Surface.AGENT else "closed"
            self.proxy.put(catalogue.BREAKER_STATE, BREAKER_STATES[state], {"surface": surface.value})
        return calls.answered

    def streams(self, begun: int) -> dict[EndReason, int]:
        """Streams begin and end; what is left runs on."""
        running = self.active + begun
        active = min(self.many(begun * _STREAM_S / self.step_s), running, _CAPACITY)
        ended, self.active = running - active, active
        self.proxy.put(catalogue.STREAMS_ACTIVE, active)
        reasons = self.reasons(ended)
        for reason, count in reasons.items():
            self.proxy.add(catalogue.STREAM_ENDS, count, {"reason": reason.value})
        had_event = ended - reasons[EndReason.UPSTREAM_ERROR]
        had_text = max(
            had_event - reasons[EndReason.UPSTREAM_STALLED] - self.some(reasons[EndReason.CANCELLED], 0.3), 0
        )
        self.first(had_event, had_text)
        measure = self.proxy.measure
        measure(catalogue.STREAM_DURATION, ended, Spread(_STREAM_S * (0.85 + 0.3 * self.weather.age), 0.55))
        measure(catalogue.STREAM_GAP, had_event * 60, Spread(0.06, 1.25))
        stalls = self.some(had_event, 0.02 + 0.05 * self.weather.age) + 2 * reasons[EndReason.UPSTREAM_STALLED]
        self.proxy.add(catalogue.STREAM_STALLS, stalls)
        self.turns(reasons[EndReason.COMPLETED], reasons[EndReason.CANCELLED])
        return reasons

    def reasons(self, ended: int) -> dict[EndReason, int]:
        """Why streams ended."""
        broken = 0.5 if self.weather.failing > 0.1 else 0.002
        shares = {
            EndReason.UPSTREAM_ERROR: broken * 0.4,
            EndReason.UPSTREAM_TRUNCATED: broken * 0.35,
            EndReason.UPSTREAM_STALLED: broken * 0.25,
            EndReason.CANCELLED: 0.04,
            EndReason.CLIENT_GONE: 0.02,
        }
        found = dict.fromkeys((*shares, EndReason.COMPLETED), 0)
        left = ended
        for reason, share in shares.items():
            found[reason] = min(self.many(ended * share), left)
            left -= found[reason]
        found[EndReason.COMPLETED] = left
        return found

    def first(self, had_event: int, had_text: int) -> None:
        """First events and first texts. Where the time went adds up to it."""
        measure, age = self.proxy.measure, self.weather.age
        waiting = Spread(3.0 * (1 + 1.3 * age) * (1 + 0.15 * self.weather.busy), 0.42)
        measure(catalogue.STREAM_FIRST_EVENT, had_event, Spread(0.42, 0.45))
        stages = {"queue": _QUEUE_S, "upstream": waiting, "out": _OUT_S}
        for stage, spread in stages.items():
            measure(catalogue.STREAM_STAGES, had_text, spread, {"stage": stage})
        mean = sum(spread.mean for spread in stages.values())
        measure(catalogue.STREAM_FIRST_TOKEN, had_text, waiting, mean=mean)
        seen = self.some(had_text, 0.93)
        measure(catalogue.CLIENT_FIRST_TOKEN, seen, Spread(waiting.median + 0.09, waiting.width), mean=mean + 0.09)

    def turns(self, completed: int, cancelled: int) -> None:
        """What complete turns leave: history, depth, tokens, cost."""
        kept = completed + cancelled
        self.proxy.add(catalogue.HISTORY_TURNS, kept, {"outcome": "stored"})
        self.proxy.measure(catalogue.HISTORY_WRITE, kept, Spread(0.004 * (1 + self.weather.age), 0.6))
        self.proxy.put(catalogue.HISTORY_WAITING, self.some(kept, 0.04))
        self.proxy.measure(catalogue.AGENT_TOOL_CALLS, completed, Spread(1.7, 0.55))
        unknown = self.some(completed, 0.002)
        self.proxy.add(catalogue.UNPRICED, unknown, {"reason": "no_usage"})
        first = self.some(completed - unknown, _MODEL_SHARE)
        for model, answers in zip(PRICES, (first, completed - unknown - first), strict=True):
            self.spend(model, answers)

    def spend(self, model: str, answers: int) -> None:
        """Tokens and money of a model's answers."""
        spent = {
            TokenKind.INPUT: round(answers * self.chance.uniform(6200, 7400)),
            TokenKind.CACHED: round(answers * self.chance.uniform(2400, 3300)),
            TokenKind.OUTPUT: round(answers * self.chance.uniform(520, 690)),
        }
        for kind, count in spent.items():
            self.proxy.add(catalogue.TOKENS, count, {"kind": kind.value, "model": model})
        per_input, per_cached, per_output = PRICES[model]
        uncached = spent[TokenKind.INPUT] - spent[TokenKind.CACHED]
        cost = uncached * per_input + spent[TokenKind.CACHED] * per_cached + spent[TokenKind.OUTPUT] * per_output
        self.proxy.add(catalogue.COST, cost / 1_000_000, {"model": model})

    def tools(self, questions: int) -> None:
        """Tools that pages use by themselves."""
        statuses = dict.fromkeys(("200", "422", "429", "502"), 0)
        for tool, (spread, share) in _TOOL_SPREADS.items():
            calls = self.many(questions * share / self.weather.crowd)
            limited = self.some(calls, self.weather.throttled * 0.2)
            self.decide(f"tool_{tool.value}", calls - limited, limited, 0.12 + 0.3 * self.weather.busy)
            ended = self.use(tool, calls - limited, spread)
            for outcome, status in ((ToolOutcome.OK, "200"), (ToolOutcome.REFUSED, "422"), (ToolOutcome.FAILED, "502")):
                statuses[status] += ended[outcome]
            statuses["429"] += limited
        self.answer(_TOOLS, "POST", statuses, Spread(0.9, 1.0))

    def use(self, tool: ToolName, calls: int, spread: Spread) -> dict[ToolOutcome, int]:
        """Calls of a tool; the chart asks nobody upstream."""
        refused = self.some(calls, _SQL_REFUSED) if tool is ToolName.SQL else 0
        failed = 0
        if tool is not ToolName.CHART:
            failed = self.call(Surface(tool.value), calls - refused, spread).failed
        ended = {ToolOutcome.OK: calls - refused - failed, ToolOutcome.REFUSED: refused, ToolOutcome.FAILED: failed}
        for outcome, count in ended.items():
            self.proxy.add(catalogue.TOOL_CALLS, count, {"tool": tool.value, "outcome": outcome.value})
            error = "" if outcome is ToolOutcome.OK else outcome.value
            self.proxy.measure(
                catalogue.TOOL_DURATION, count, spread, {"gen_ai.tool.name": tool.value, "error.type": error}
            )
        return ended

    def pages(self, ended: Mapping[EndReason, int]) -> None:
        """What pages report of it."""
        add, measure = self.proxy.add, self.proxy.measure
        seen = partial(self.some, share=0.95)
        broken = sum(count for reason, count in ended.items() if reason.value.startswith("upstream_"))
        outcomes = {
            StreamOutcome.COMPLETED: seen(ended[EndReason.COMPLETED]),
            StreamOutcome.ABORTED: seen(ended[EndReason.CANCELLED]),
            StreamOutcome.ERROR: seen(broken),
            StreamOutcome.DISCONNECTED: self.some(ended[EndReason.CLIENT_GONE], 0.3),
        }
        for outcome, count in outcomes.items():
            add(catalogue.CLIENT_STREAM_OUTCOMES, count, {"outcome": outcome.value})
        every = sum(outcomes.values())
        add(catalogue.CLIENT_PAGE_ERRORS, self.some(every, 0.003), {"kind": PageErrorKind.SCRIPT.value})
        add(catalogue.CLIENT_PAGE_ERRORS, self.some(broken, 0.4), {"kind": PageErrorKind.NETWORK.value})
        add(catalogue.CLIENT_METRICS_DROPPED, self.some(every, 0.002), {"reason": "bounds"})
        measure(catalogue.CLIENT_STALL, self.some(every, 0.3), Spread(1.3, 0.7))
        loads = self.some(every, 0.3)
        measure(catalogue.CLIENT_LCP, loads, Spread(1.1, 0.4))
        measure(catalogue.CLIENT_INP, every, Spread(0.07, 0.6))
        measure(catalogue.CLIENT_CLS, loads, Spread(0.02, 0.9))
        reports = every + loads
        self.answer(_REPORT, "POST", {"202": reports}, Spread(0.004, 0.5))
        self.decide("report", reports, 0, 0.1)


# --- what is there rather than happens


def _show_process(proxy: Ledger, weather: Weather, step_s: int, asked: int, chance: random.Random) -> None:
    proxy.add(catalogue.PROCESS_CPU, step_s * 0.004 + asked * 0.006)
    grown = 148_000_000 * weather.age**1.5
    proxy.put(catalogue.PROCESS_MEMORY, round(112_000_000 + 9_000_000 * weather.busy + grown + chance.gauss(0, 4e5)))
    proxy.put(catalogue.PROCESS_THREADS, 74 + chance.randrange(4))
    proxy.put(catalogue.PROCESS_DESCRIPTORS, round(38 + 40 * weather.busy + chance.randrange(5)))


_SUITES = (
    ("unit", 3_412, 71.0),
    ("e2e", 148, 156.0),
    ("sdk", 64, 38.0),
    ("proof", 96, 402.0),
    ("pact", 58, 12.0),
    ("smoke", 21, 9.0),
)
"""Made-up runs: suite, its tests, how long it takes."""

_NIGHT_S = 2 * HOUR_S


def _show_suites(suites: Ledger, told: Story, at_s: int) -> None:
    """Each suite runs at night, one after the other; in the run after the cassettes went stale, one fails."""
    for number, (suite, tests, duration_s) in enumerate(_SUITES):
        begins_s = _NIGHT_S + number * 600
        finished_s = (at_s - begins_s) // DAY_S * DAY_S + begins_s
        is_stale = 0 < finished_s - told.stale_cassettes.start_s < DAY_S
        failed = 3 if suite == "e2e" and is_stale else 0
        counts = {"passed": tests - failed, "failed": failed, "error": 0, "skipped": 0, "quarantined": 0}
        for outcome, count in counts.items():
            suites.put(catalogue.SUITE_TESTS, count, {"suite": suite, "outcome": outcome})
        night = random.Random(finished_s + number)  # noqa: S311 - a story, no secret
        suites.put(catalogue.SUITE_DURATION, duration_s * night.uniform(0.9, 1.15), {"suite": suite})
        suites.put(catalogue.SUITE_FINISHED, finished_s, {"suite": suite})
        for name, share in zip(catalogue.TEST_TIMES, (0.6, 3.0, 11.0), strict=True):
            took_s = duration_s / tests * share * night.uniform(0.9, 1.15)
            suites.put(catalogue.SUITE_TEST_DURATION, took_s, {"suite": suite, "statistic": name})
        suites.put(catalogue.SUITE_RERUNS, failed, {"suite": suite})
        suites.put(catalogue.SUITE_FLAKY, 0, {"suite": suite})
