"""A story: what a reader does on the page, and all that is told of it: traces, counters, the mock's journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Request

from contracts.api import PREFIX
from e2e.page import Chat
from e2e.stage import Counters, Stage
from e2e.telemetry import Receiver, Span, TelemetryMissing


@dataclass
class Story:
    """One test's reader. `test_id` goes with everything that the page asks.

    asked: the requests for a turn that the page made, oldest first.
    """

    chat: Chat
    stage: Stage
    test_id: str
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chat.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if urlsplit(request.url).path == f"{PREFIX}/chat":
            self.asked.append(request)

    def ask(self, question: str) -> Locator:
        """Ask, and return the turn once it has ended."""
        return self.chat.ask(question)

    @property
    def trace_ids(self) -> list[str]:
        """The trace of each request for a turn, oldest first."""
        return [request.headers["traceparent"].split("-")[1] for request in self.asked]

    @property
    def trace_id(self) -> str:
        """The trace of the newest request for a turn."""
        return self.trace_ids[-1]

    @property
    def receiver(self) -> Receiver:
        """What takes the telemetry."""
        assert self.stage.receiver is not None, "asked where telemetry arrives"
        return self.stage.receiver

    def spans(self, service: str) -> list[Span]:
        """A service's spans of the newest turn, oldest first, once its trace is whole.   service: `cortex-proxy`, ...

        Whole: the request's own span, which ends last, has arrived, and the mock's span for each attempt upstream.
        """
        self.receiver.until(self._is_whole, "the whole trace", trace_id=self.trace_id)
        return self.receiver.spans(trace_id=self.trace_id, service=service)

    def _is_whole(self) -> bool:
        spans = self.receiver.spans(trace_id=self.trace_id)
        attempts = {each.span_id for each in spans if each.kind == "client"}
        answered = {each.parent_id for each in spans if each.service == "cortex-mock"}
        return attempts == answered and any(each.kind == "server" and each.service == "cortex-proxy" for each in spans)

    @contextmanager
    def moves(self, expected: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """In the block, these counters move by their `delta`, over the labels that are named, and not otherwise.

        expected: as in a scenario's `telemetry`: by metric, some of its labels, and `delta`.
        """
        before = self.stage.counters()
        yield
        after = self.stage.counters()
        wanted = {name: float(each["delta"]) for name, each in expected.items()}
        found = {name: moved(before, after, name, each) for name, each in expected.items()}
        if wanted != found:
            raise TelemetryMissing(f"counters moved by {found}, expected {wanted}")

    def journal(self) -> list[dict[str, Any]]:
        """What the mock noted of this story, newest first."""
        return self.stage.journal(self.test_id)


def moved(before: Counters, after: Counters, name: str, labels: Mapping[str, Any]) -> float:
    """By how much a metric moved, over all series that have these labels."""
    wanted = {(label, str(value)) for label, value in labels.items() if label != "delta"}
    series = [each for each in after if each[0] == name and wanted <= each[1]]
    return sum(after[each] - before.get(each, 0.0) for each in series)
