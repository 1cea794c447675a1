"""A story: what a reader does on the page, and all that is told of it: traces, counters, lines, the mock's journal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from playwright.sync_api import Locator, Request

from contracts.api import PREFIX
from e2e.page import Chat
from e2e.stage import Counters, Stage
from e2e.telemetry import Log, Receiver, Span, TelemetryMissing

PROXY, MOCK = "cortex-proxy", "cortex-mock"
T = TypeVar("T")
Moves = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Labels of a metric's series and the `delta` over all that have them; or several of these."""

SETTLE_S = 20.0
"""How long it may take until what has happened is told of; a page alone gathers for 2 s before it reports."""

LEFT = "net::ERR_ABORTED"
"""How the browser calls it when the page itself ends a request, which may have reached the proxy."""

MISCOUNTED = "The proxy's counters (/metrics) did not move as what happened must move them:"

REHEARSE = "globalThis.rehearsed = %s;"
"""Read by `page.ADD_BAGGAGE` with each request."""


@dataclass
class Story:
    """One test's reader. `test_id` goes with everything that the page asks.

    asked: the requests for a turn that the page made, oldest first.
    """

    chat: Chat
    stage: Stage
    test_id: str
    asked: list[Request] = field(default_factory=list)
    _rehearsed: dict[str, str] = field(default_factory=dict)
    _began_ns: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        self.chat.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if urlsplit(request.url).path == f"{PREFIX}/chat":
            self.asked.append(request)

    # What the reader does.

    def ask(self, question: str) -> Locator:
        """Ask, and return the turn once it has ended."""
        return self.chat.ask(question)

    def begins(self, question: str) -> Locator:
        """Ask, and return the turn at once."""
        self.chat.send(question)
        return self.chat.turn

    # What the stage plays. Told beside the page, so that it works with every page and is no part of what is read.

    def under(self, scenario: str | None) -> None:
        """From now on this page's questions meet a scenario; None: no more."""
        self._rehearse("mock.scenario", scenario)

    def pace(self, factor: float | None) -> None:
        """From now on answers to this page come at a pace: 1 as recorded, 0 at once; None: as the mock was started."""
        self._rehearse("mock.pace", None if factor is None else f"{factor:g}")

    def _rehearse(self, name: str, value: str | None) -> None:
        self._rehearsed.pop(name, None)
        if value is not None:
            self._rehearsed[name] = quote(value)
        members = ",".join(f"{key}={each}" for key, each in self._rehearsed.items())
        script = REHEARSE % json.dumps(members)
        self.chat.page.add_init_script(script)  # for the next load of this page
        self.chat.page.evaluate(f"() => {{ {script} }}")

    # What is told of it.

    @property
    def trace_ids(self) -> list[str]:
        """The trace of each request for a turn, oldest first.   Raises: TelemetryMissing where the page named none."""
        return [_trace_of(request) for request in self.asked]

    @property
    def trace_id(self) -> str:
        """The trace of the newest request for a turn."""
        return self.trace_ids[-1]

    @property
    def receiver(self) -> Receiver:
        """What takes the telemetry.   Raises: NotTold, and the story ends there, where the target tells none."""
        return self.stage.telemetry()

    def spans(self, service: str, trace_id: str | None = None) -> list[Span]:
        """A service's spans of a turn, oldest first, once its trace is whole.

        service: `cortex-proxy`, ...   trace_id: of the newest turn by default.
        Whole: each request's own span, which ends last, has arrived, and the mock's span for each attempt upstream.
        """
        found = trace_id or self.trace_id
        try:
            self.receiver.until(lambda: not self._gaps(found), "the whole trace", trace_id=found)
        except TelemetryMissing as error:
            raise TelemetryMissing("\n".join([*self._gaps(found), str(error)])) from None
        return self.receiver.spans(trace_id=found, service=service)

    def _gaps(self, trace_id: str) -> list[str]:
        """A page that repeats what was refused, as for a token that has expired, does so in the same trace."""
        return gaps(self.receiver.spans(trace_id=trace_id), max(1, self._reached(0).count(trace_id)))

    def logs(self, event: str | None = None, trace_id: str | None = None) -> list[Log]:
        """The proxy's lines of a turn, of one event or of all, once its last one has arrived.

        trace_id: of the newest turn by default.
        """
        found = trace_id or self.trace_id
        self.receiver.until(lambda: self._is_told(found), "the last line", trace_id=found)
        return self.receiver.logs(trace_id=found, service=PROXY, event=event)

    def _is_told(self, trace_id: str) -> bool:
        """Whether the turn's last line is there: the stream's end, or its refusal."""
        lines = self.receiver.logs(trace_id=trace_id, service=PROXY)
        ended = any(each.event == "stream ended" for each in lines)
        return ended or any(each.event == "request" and each.fields["status"] != 200 for each in lines)

    def never_logged(self, event: str) -> None:
        """Since the story began, and until its newest turn was told to its end, there is no line of this event.

        Lines of every trace are looked at, and those of none.
        """
        self._never(lambda each: each.event == event, f"the line {event!r}")

    def never_warned(self) -> None:
        """Since the story began, and until its newest turn was told to its end, nothing was told as worse than news."""
        self._never(lambda each: each.fields["level"] in ("warning", "error", "critical"), "a warning")

    def _never(self, is_meant: Callable[[Log], bool], what: str) -> None:
        self.logs()
        lines = self.receiver.logs(service=PROXY)
        found = [each for each in lines if each.time_ns >= self._began_ns and is_meant(each)]
        if found:
            told = "\n".join(str(dict(each.fields)) for each in found)
            raise TelemetryMissing(f"{what} must not be there\n{told}\n{self.receiver.tree(self.trace_id)}")

    @contextmanager
    def moves(self, expected: Mapping[str, Moves]) -> Iterator[None]:
        """In the block, these counters move by their `delta`, over the labels that are named, and not otherwise.

        expected: as in a scenario's `telemetry`: by metric, some of its labels, and `delta`; or several of these.
        Counted is when what was asked in the block has ended; what is told later, as a page's reports, is waited for.
        """
        rows = [
            (name, each) for name, some in expected.items() for each in ([some] if isinstance(some, Mapping) else some)
        ]
        wanted = [float(each["delta"]) for _, each in rows]
        if self.stage.metrics_url is None:
            yield
            self.stage.unasserted.add("metrics")
            return
        before, asked_before = self.stage.counters(), len(self.asked)
        yield
        for trace_id in self._reached(asked_before):
            self.spans(PROXY, trace_id)
        found = self._settled(lambda: self._moved(before, rows), lambda by: by == wanted)
        if found != wanted:
            raise TelemetryMissing("\n".join([MISCOUNTED, *_wrong(rows, found), self._tree()]))

    def _settled(self, look: Callable[[], T], is_so: Callable[[T], bool]) -> T:
        """What is found once it is so, or after `SETTLE_S` in any case."""
        deadline_s = time.monotonic() + SETTLE_S
        while not is_so(found := look()) and time.monotonic() < deadline_s:
            self.chat.page.wait_for_timeout(50)  # the page goes on, which has things to tell, too
        return found

    def _tree(self) -> str:
        return self.receiver.tree(self.trace_id) if self.asked else ""

    def _reached(self, asked_before: int) -> list[str]:
        """The traces of what was asked since then and did not fail before it reached anybody."""
        asked = zip(self.asked, self.trace_ids, strict=True)
        return [trace_id for request, trace_id in [*asked][asked_before:] if request.failure in (None, LEFT)]

    def _moved(self, before: Counters, rows: list[tuple[str, Mapping[str, Any]]]) -> list[float]:
        after = self.stage.counters()
        return [moved(before, after, name, each) for name, each in rows]

    def journal(self) -> list[dict[str, Any]]:
        """What the mock noted of this story, newest first, once none of it is still being answered."""
        return self._settled(
            lambda: self.stage.journal(self.test_id), lambda noted: all(each["outcome"] for each in noted)
        )


def gaps(spans: Sequence[Span], requests: int = 1) -> list[str]:
    """What of a turn's trace is missing or stands in a wrong place; empty once it is whole.

    requests: how many the page made in this trace.
    """
    known = {each.span_id: each for each in spans}
    attempts = {key: each for key, each in known.items() if each.kind == "client"}
    answers = [each for each in spans if each.service == MOCK]
    answered = {each.parent_id for each in answers}
    found = [f"{_in_words(each)} {_below(each, known)}" for each in answers if each.parent_id not in attempts]
    found += [
        f"{_in_words(each)} has no answer of the mock below it" for key, each in attempts.items() if key not in answered
    ]
    told = sum(each.kind == "server" and each.service == PROXY for each in spans)
    if told < requests:
        which = "the request itself" if requests == 1 else f"each request itself: {told} of {requests} were told"
        found.append(f"{PROXY} did not tell the span of {which}")
    return ["The turn's trace has gaps:", *found] if found else []


def _below(span: Span, known: Mapping[str, Span]) -> str:
    above = known.get(span.parent_id or "")
    if above is None:
        return f"answered an attempt of which {PROXY} told no span"
    return f"is below {_in_words(above)}, not below an attempt: that is the traceparent which {PROXY} sent"


def _in_words(span: Span) -> str:
    return f"{span.service} {span.name} ({span.kind})"


def _trace_of(request: Request) -> str:
    parent = request.headers.get("traceparent")
    if parent is None:
        raise TelemetryMissing(f"the page asked {urlsplit(request.url).path} without the header traceparent")
    return parent.split("-")[1]


def _wrong(rows: list[tuple[str, Mapping[str, Any]]], found: list[float]) -> Iterator[str]:
    for (name, each), by in zip(rows, found, strict=True):
        if by != float(each["delta"]):
            labels = ", ".join(f"{label}={value}" for label, value in each.items() if label != "delta")
            yield f"{name}{{{labels}}} moved by {by:g}, expected {each['delta']:g}"


def moved(before: Counters, after: Counters, name: str, labels: Mapping[str, Any]) -> float:
    """By how much a metric moved, over all series that have these labels."""
    wanted = {(label, str(value)) for label, value in labels.items() if label != "delta"}
    series = [each for each in after if each[0] == name and wanted <= each[1]]
    return sum(after[each] - before.get(each, 0.0) for each in series)
