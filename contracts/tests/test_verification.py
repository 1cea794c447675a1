"""What a verification finds: broken promises with their place, and everything that was not verified, by its name."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from pact import Verifier
from pydantic import JsonValue

from contracts.pactfile import Interaction
from contracts.tests.pact_example import RULE, STREAM, Json, Shop, http, message, pact, stream, write
from contracts.verification import Fault, Provider, verify

PRICE = http("a price", "/price", {"price": 7})
TALK = stream("a talk", "/talk")
NEWS = message("news", {"text": "Net"})
OWN = " ".join(("Bearer", "y"))
WHOLE = pact(PRICE, TALK, NEWS, sequences={"a talk": RULE})


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A provider that keeps the whole pact."""
    with Shop() as opened:
        yield opened


def provider(shop: Shop, **changed: Any) -> Provider:
    """The shop with all of its handlers, one thing changed."""
    wanted: dict[str, Any] = {
        "name": "shop",
        "url": shop.url,
        "states": {"open": lambda _params: None},
        "messages": {"news": lambda _message: {"text": "Net"}},
    }
    return Provider(**wanted | changed)


def faults(document: Json, shop: Shop, folder: Path, **changed: Any) -> list[str]:
    """What is found of a pact."""
    return verify(write(document, folder), provider(shop, **changed)).faults


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_a_kept_pact_has_no_faults(shop: Shop, tmp_path: Path) -> None:
    """Answers, streams and messages are verified, and told by name."""
    found = verify(write(WHOLE, tmp_path), provider(shop))
    assert found.faults == []
    assert found.verified == ["a price", "a talk", "news"]
    found.check()


def test_headers_replace_those_of_the_pact(shop: Shop, tmp_path: Path) -> None:
    """A credential of the suite's is sent with every request, streams included."""
    changed = provider(shop, headers={"Authorization": OWN})
    assert verify(write(WHOLE, tmp_path), changed).faults == []
    assert sorted(shop.seen) == [("/price", OWN), ("/talk", OWN), ("/talk", OWN)]


def test_a_suite_may_perform_its_streams(shop: Shop, tmp_path: Path) -> None:
    """The rule is checked against the events that the suite returns."""

    def streams(interaction: Interaction) -> list[tuple[str, JsonValue]]:
        assert interaction.description == "a talk"
        return [("part", {"text": "Net"}), ("end", "[DONE]")]

    assert faults(WHOLE, shop, tmp_path, streams=streams) == []


def test_states_give_values_to_requests(shop: Shop, tmp_path: Path) -> None:
    """What a state has made stands in the request, for Pact as for the stream's own exchange."""
    shop.answers |= {"/price/4711": {"price": 7}, "/talk/4711": STREAM}
    made = {"path": {"type": "ProviderState", "expression": "/price/${id}", "dataType": "STRING"}}
    price = {**PRICE, "request": {**PRICE["request"], "path": "/price/1", "generators": made}}
    made = {"path": {"type": "ProviderState", "expression": "/talk/${id}", "dataType": "STRING"}}
    talk = {**TALK, "request": {**TALK["request"], "path": "/talk/1", "generators": made}}
    document = pact(price, talk, NEWS, sequences={"a talk": RULE})
    assert faults(document, shop, tmp_path, states={"open": lambda _params: {"id": 4711}}) == []
    assert {path for path, _ in shop.seen} == {"/price/4711", "/talk/4711"}


def test_states_are_set_with_their_own_parameters(shop: Shop, tmp_path: Path) -> None:
    """A handler sees what the pact says, before each interaction and before each stream's own exchange."""
    seen: list[Mapping[str, JsonValue]] = []
    talk = {**TALK, "providerStates": [{"name": "open", "params": {"session": "fresh"}}]}
    document = pact(talk, sequences={"a talk": RULE})
    assert faults(document, shop, tmp_path, states={"open": seen.append}, messages={}) == []
    assert seen == [{"session": "fresh"}, {"session": "fresh"}]


def test_text_is_sent_as_it_is(shop: Shop, tmp_path: Path) -> None:
    """A message that is no JSON is compared as text."""
    document = pact(message("the end", "[DONE]", kind="text/plain"))
    assert faults(document, shop, tmp_path, messages={"the end": lambda _message: "[DONE]"}) == []
    (fault,) = faults(document, shop, tmp_path, messages={"the end": lambda _message: "[ENDED]"})
    assert fault.startswith("broken promise: 'the end' [open]: body $: ")


# --- what is not -----------------------------------------------------------------------------------------------------


def test_a_mismatch_names_its_place(shop: Shop, tmp_path: Path) -> None:
    """Interaction, state, path, what was promised and what came."""
    shop.answers["/price"] = {"price": "seven"}
    assert faults(WHOLE, shop, tmp_path) == [
        "broken promise: 'a price' [open]: body $.price: Expected 'seven' (String) to be equal to 7 (Integer)"
    ]


def test_every_mismatch_is_told(shop: Shop, tmp_path: Path) -> None:
    """Status, header and body of one answer; the others are verified all the same."""
    del shop.answers["/price"]
    found = verify(write(WHOLE, tmp_path), provider(shop))
    assert sorted(fault.removeprefix("broken promise: 'a price' [open]: ") for fault in found.faults) == [
        'body $: Type mismatch: Expected null (Null) to be the same type as {"price":7} (Object)',
        "status: expected 200 but was 404",
    ]
    assert found.verified == ["a talk", "news"]


def test_check_tells_all_faults(shop: Shop, tmp_path: Path) -> None:
    """The assertion's message holds every fault and how much is kept."""
    shop.answers["/price"] = {"price": 8}
    with pytest.raises(AssertionError, match=r"1 fault\(s\), 2 interaction\(s\) kept:\n  broken promise: 'a price'"):
        verify(write(WHOLE, tmp_path), provider(shop)).check()


def test_a_sequence_is_executed(shop: Shop, tmp_path: Path) -> None:
    """Pact finds nothing wrong with a stream that its rule refuses."""
    shop.answers["/talk"] = "event: end\ndata: [DONE]\n\nevent: part\ndata: {}\n\n"
    found = faults(WHOLE, shop, tmp_path)
    assert [fault.partition(": '")[0] for fault in found] == [Fault.SEQUENCE] * len(found)
    assert any("end" in fault for fault in found)


def raising(error: Exception) -> Callable[[Any], Any]:
    """A handler that fails."""

    def handler(_given: Any) -> Any:
        raise error

    return handler


def test_a_failing_state_handler_speaks_for_itself(shop: Shop, tmp_path: Path) -> None:
    """Its error is told, once for each interaction, at once, and nothing else is said of the interaction."""
    began_s = time.monotonic()
    found = faults(WHOLE, shop, tmp_path, states={"open": raising(KeyError("rate"))})
    assert found == [
        f"state handler failed: open of {name!r} [open]: KeyError: 'rate'" for name in ("a price", "a talk", "news")
    ]
    assert time.monotonic() - began_s < 60, "left to itself Pact tries again for two minutes"


def test_a_failing_message_handler_speaks_for_itself(shop: Shop, tmp_path: Path) -> None:
    """Its error is told instead of a difference between content types."""
    found = faults(WHOLE, shop, tmp_path, messages={"news": raising(LookupError("no run"))})
    assert found == ["message handler failed: 'news' [open]: LookupError: no run"]


def test_a_stream_that_cannot_be_performed_is_told(shop: Shop, tmp_path: Path) -> None:
    """An error on the way to the events is a fault of the stream."""
    found = faults(
        pact(TALK, sequences={"a talk": RULE}), shop, tmp_path, messages={}, streams=raising(TimeoutError("too late"))
    )
    assert found == ["stream not performed: 'a talk' [open]: TimeoutError: too late"]


@pytest.mark.parametrize("asked", [PRICE, TALK], ids=["an answer", "a stream"])
def test_a_missing_value_of_a_state_is_told(asked: Json, shop: Shop, tmp_path: Path) -> None:
    """A request that needs what its state has not made is not verified by the pact's example."""
    made = {"query": {"id": {"type": "ProviderState", "expression": "${id}", "dataType": "STRING"}}}
    document = pact({**asked, "request": {**asked["request"], "generators": made}}, sequences={"a talk": RULE})
    found = faults(document, shop, tmp_path, messages={})
    name = asked["description"]
    assert f"value that no state has made: 'id', with which the request of {name!r} [open] is made" in found


def test_an_unreachable_provider_is_told(tmp_path: Path) -> None:
    """Nobody there: each interaction is unverified or not performed."""
    with Shop() as gone:
        pass
    found = faults(pact(PRICE), gone, tmp_path, messages={})
    assert [fault.partition(": ")[0] for fault in found] == [Fault.UNVERIFIED]


# --- vacuity ---------------------------------------------------------------------------------------------------------

STATELESS = {name: value for name, value in PRICE.items() if name != "providerStates"}
ELSEWHERE = {**PRICE, "providerStates": [{"name": "shut"}]}

VACUITIES: Mapping[str, tuple[Json, dict[str, Any], str]] = {
    "empty pact": (pact(), {"states": {}, "messages": {}}, "empty pact: page-shop.json has no interaction"),
    "another provider": (
        pact(PRICE, provider="bank"),
        {"messages": {}},
        "pact with another provider: page-shop.json is with 'bank', verified is 'shop'",
    ),
    "described twice": (
        pact(PRICE, PRICE),
        {"messages": {}},
        "interaction described twice: 'a price'; results and sequence rules go by description",
    ),
    "no state": (
        pact(STATELESS, NEWS),
        {},
        "interaction without a state: 'a price' would find whatever the one before left",
    ),
    "skipped": (
        pact({**PRICE, "pending": True}),
        {"messages": {}},
        "skipped verification: 'a price' [open] is marked as pending, so its failure would fail nothing",
    ),
    "unknown state": (
        pact(ELSEWHERE, NEWS),
        {},
        "unknown state: 'shut' of 'a price' [shut]; known are open",
    ),
    "unused state": (
        WHOLE,
        {"states": {"open": lambda _params: None, "shut": lambda _params: None}},
        "unused state: 'shut' has a handler, and no interaction is in it",
    ),
    "unhandled message": (WHOLE, {"messages": {}}, "message that nobody handles: 'news' [open]"),
    "unused message handler": (
        pact(PRICE),
        {},
        "message handler without a message: 'news' is not in page-shop.json",
    ),
    "stream without a rule": (
        pact(TALK, NEWS),
        {},
        "stream without a sequence rule: 'a talk'; its events could come in any order and number",
    ),
    "rule without a stream": (
        pact(PRICE, NEWS, sequences={"a talk": RULE}),
        {},
        "sequence rule without a stream: 'a talk' describes no interaction that answers with a stream",
    ),
    "rule of what is no stream": (
        pact(PRICE, NEWS, sequences={"a price": RULE}),
        {},
        "sequence rule without a stream: 'a price' describes no interaction that answers with a stream",
    ),
    "rule of nothing": (
        pact(TALK, NEWS, sequences={"a talk": {"sequence": 1, "events": {}}}),
        {},
        "no sequence rule: 'a talk' [open]: events: ",
    ),
    "no rule at all": (
        pact(TALK, NEWS, sequences={"a talk": {"sequence": 2}}),
        {},
        "no sequence rule: 'a talk' [open]: ",
    ),
}


@pytest.mark.parametrize(("document", "changed", "told"), VACUITIES.values(), ids=VACUITIES)
def test_what_verifies_nothing_is_a_failure(
    document: Json, changed: dict[str, Any], told: str, shop: Shop, tmp_path: Path
) -> None:
    """Each way to a green run that proves nothing is the only fault, by its name."""
    (fault,) = faults(document, shop, tmp_path, **changed)
    assert fault.startswith(told)


def test_what_the_verifier_leaves_out_is_a_failure(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interaction that a filter has removed from the run is told, whoever set the filter."""

    class Filtering(Verifier):
        def verify(self) -> Self:
            self.filter("news")
            return super().verify()

    monkeypatch.setattr("contracts.verification.Verifier", Filtering)
    found = verify(write(WHOLE, tmp_path), provider(shop))
    assert found.faults == [
        "unverified interaction: 'a price' [open]; the verifier left it out without a word",
        "unverified interaction: 'a talk' [open]; the verifier left it out without a word",
    ]
    assert found.verified == ["news"]


def test_a_verifier_that_fails_for_no_reason_is_a_failure(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends badly is never a good one, even if every interaction went well."""

    class Failing(Verifier):
        def verify(self) -> Self:
            super().verify()
            raise RuntimeError("out of memory")

    monkeypatch.setattr("contracts.verification.Verifier", Failing)
    assert faults(WHOLE, shop, tmp_path) == ["verifier failed: out of memory"]


def test_every_kind_of_fault_is_tested() -> None:
    """No kind of vacuity is left without its case."""
    tested = {told.partition(":")[0] for _, _, told in VACUITIES.values()}
    elsewhere = {
        Fault.UNVERIFIED,
        Fault.STATE_FAILED,
        Fault.MISSING_VALUE,
        Fault.MESSAGE_FAILED,
        Fault.STREAM_FAILED,
        Fault.SEQUENCE,
        Fault.MISMATCH,
        Fault.VERIFIER,
    }
    assert tested | elsewhere == set(Fault)


def test_a_provider_is_a_value(shop: Shop) -> None:
    """It can be changed in one thing and stays the same in all others."""
    changed = dataclasses.replace(provider(shop), name="bank")
    assert (changed.name, changed.url) == ("bank", shop.url)
