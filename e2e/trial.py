"""A scenario on trial: what its file promises, held against what a reader of the page sees and against what is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.api import ProblemType
from contracts.traces import END_REASON, ERROR_TYPE, PROBLEM, RESENT, STATUS
from e2e.page import ChatPage
from e2e.reading import Card, Reading, Verdict, breaks_off
from e2e.scenes import attempt, attempts_of, lines_of, request_of, warnings_of
from e2e.story import MOCK, PROXY, Story
from e2e.telemetry import Span
from mocks.scenario import PageExpectation, Scenario
from proxy.problems import CATALOGUE


def shown_by(scenario: Scenario) -> PageExpectation:
    """What its file says of the page."""
    assert scenario.page is not None, f"mocks/scenarios/{scenario.scenario}.yaml does not say what the page shows"
    return scenario.page


def card_of(scenario: Scenario, trace_id: str) -> Card | None:
    """The card that a scenario's problem is told by."""
    if scenario.client.problem is None:
        return None
    kind, wait_s = CATALOGUE[ProblemType(scenario.client.problem)], shown_by(scenario).wait_s
    hopeless = None if kind.retryable else "Trying again without a change will probably fail again."
    return {
        "title": kind.title,
        "type": scenario.client.problem,
        "trace id": trace_id,
        "offers": ["Try again"],
        "advice": hopeless if wait_s is None else f"Wait {wait_s} s before you try again.",
    }


class Trial(Verdict):
    """What a scenario promises, held against what a reader sees and what is told."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(f"scenario {scenario.scenario}, {scenario.about}: not all that its file promises is kept")
        self.scenario = scenario
        self._quoted: str | None = None

    def answer(self, found: Reading, shown: str, whole: Sequence[str], what: str = "the answer on the page") -> None:
        """So much of the answer stands there.   what: the answer is."""
        if shown != "part":
            self.same(what, found.answer, whole if shown == "whole" else [])
        elif not breaks_off(found.answer, whole):
            self.same(f"{what}, which is no beginning of the whole", found.answer, whole)

    def page(self, chat: ChatPage, trace_id: str, whole: Sequence[str]) -> None:
        """The reader sees what the file says, is told of the problem, and by which trace it is found."""
        expected, found = shown_by(self.scenario), Reading.of(chat.turn)
        self.answer(found, expected.answer, whole)
        card = card_of(self.scenario, trace_id)
        self.same("the error on the page", found.problem, card)
        self._quoted = found.code
        self.reads("the turn on the page", found.text, expected.reads, expected.misses)
        said = "The answer is complete." if card is None else f"Error: {card['title']}."
        self.same("a screen reader was told", chat.status.inner_text(), said)

    def told(self, story: Story, trace_id: str, since_ns: int) -> None:
        """Spans and lines tell what happened; nothing was played for this test but in the traces it asked in."""
        with self.keeping("the trace"):
            self.trace(story, trace_id)
        with self.keeping("the log"):
            self.lines(story, trace_id, since_ns)
        with self.keeping("the traces"):
            for each in story.trace_ids:
                story.spans(MOCK, each)
            played = {span.trace_id for span in story.receiver.spans(test_id=story.test_id, service=MOCK)}
            self.same("the traces in which the mock was asked", sorted(played), sorted({*story.trace_ids, trace_id}))

    def trace(self, story: Story, trace_id: str) -> None:
        """The request, each attempt and the mock's answers are spans of the page's trace, and say what happened."""
        spans = story.spans(PROXY, trace_id)
        request = next(each for each in spans if each.kind == "server")
        told = {each.name: request.attributes.get(each.name) for each in (STATUS, PROBLEM, END_REASON, ERROR_TYPE)}
        said = {"span status": request.status, **{name: each for name, each in told.items() if each is not None}}
        self.same("the request's span", said, request_of(self.scenario))
        answers = {each.parent_id: each.attributes for each in story.spans(MOCK, trace_id)}
        attempts = [(each, answers[each.span_id]) for each in spans if each.kind == "client"]
        within = {request.span_id, *(each.span_id for each in spans if each.kind == "internal")}
        self.same(
            "spans of attempts that are not the request's", {each.parent_id for each, _ in attempts} - within, set()
        )
        words = [in_words(each, mock) for each, mock in attempts if mock["surface"] != "threads"]
        self.same("the attempts' spans", words, attempts_of(self.scenario))

    def lines(self, story: Story, trace_id: str, since_ns: int) -> None:
        """The log tells the end of request and stream, and nothing worse than the scenario brings about."""
        expected, lines = lines_of(self.scenario), {each.event: each.fields for each in story.logs(trace_id=trace_id)}
        self.same("the trace's lines", list(lines), list(expected))
        for event, fields in lines.items():
            promised = expected.get(event, {})
            self.same(f"the line {event!r}", {name: fields.get(name) for name in promised}, promised)
        code = next((each["upstreamCode"] for each in lines.values() if each.get("upstreamCode")), None)
        if self._quoted is not None:
            self.same("Snowflake's code in the log, which the page quotes as well", code, self._quoted)
        all_lines = [each for each in story.receiver.logs(service=PROXY) if each.time_ns >= since_ns]
        worse = [each.event for each in all_lines if each.fields["level"] not in ("info", "debug")]
        self.same("warnings and errors in the log", worse, [*warnings_of(self.scenario)])


def in_words(span: Span, mock: Mapping[str, Any]) -> str:
    """An attempt as its span and that of the mock tell it."""
    number, outcome = span.attributes.get(RESENT.name, 0), span.attributes.get(ERROR_TYPE.name)
    return attempt(number, outcome, mock.get("scenario"), mock.get("fault"))
