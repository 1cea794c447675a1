"""What the mock holds: state per test, bounded, and questions for pickers."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from mocks import state
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, ResponseHead, save
from mocks.cassette import Request as Recorded
from mocks.journal import Journal
from mocks.request import Refusal, Request
from mocks.snowflake.threads import ThreadStore
from mocks.state import HERE, PARTS, Mock, Options
from mocks.tests.running import RUN, KeyPair


@pytest.fixture(scope="module")
def mock(keys: KeyPair) -> Mock:
    """A mock with everything that is shipped; tests use ids of their own."""
    return Mock(Options(public_keys=(keys.public_file,)))


def request(test_id: str | None = None, **headers: str) -> Request:
    """A request of a test."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names |= {"x-test-id": test_id} if test_id else {}
    return Request("POST", RUN, {}, names, b"", Journal().open("POST", RUN))


def active(mock: Mock, asking: Request) -> str | None:
    """The name of the scenario that a request gets."""
    found = mock.scenario_for(asking)
    return found.scenario if found else None


def test_the_nearest_word_about_scenarios_wins(mock: Mock) -> None:
    """A request's own scenario goes before its test's, its test's before everyone's; `none` means none."""
    try:
        mock.activate(None, "throttled")
        mock.activate("order", "unavailable")
        assert active(mock, request("order", x_mock_scenario="slow_start")) == "slow_start"
        assert active(mock, request("order")) == "unavailable"
        assert active(mock, request("order", x_mock_scenario="none")) is None
        assert active(mock, request("another")) == "throttled"
        assert active(mock, request()) == "throttled"
        mock.activate("order", None)
        assert active(mock, request("order")) == "throttled"
    finally:
        mock.reset(None)
    assert active(mock, request()) is None


def test_an_unknown_scenario_is_refused(mock: Mock) -> None:
    """The refusal lists the known ones, and nothing is activated or journalled."""
    with pytest.raises(Refusal, match="'throtled' is not known") as refusal:
        mock.activate("typo", "throtled")
    assert "'throttled'" in str(refusal.value.mock)
    asking = request(x_mock_scenario="throtled")
    with pytest.raises(Refusal, match="'throtled' is not known"):
        mock.scenario_for(asking)
    assert asking.entry.scenario is None
    assert mock.active_scenario("typo") is None


def test_threads_of_one_test_are_unknown_to_another(mock: Mock) -> None:
    """Each test begins with the same first id."""
    first = mock.of_test(request("one"), ThreadStore).create("ANN").thread.thread_id
    assert mock.of_test(request("two"), ThreadStore).create("ANN").thread.thread_id == first
    mock.reset("one")
    assert not mock.of_test(request("one"), ThreadStore).find("ANN", first)
    assert mock.of_test(request("two"), ThreadStore).find("ANN", first)


def test_many_tests_never_push_out_what_all_share(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test unused for longest is forgotten; the state of requests without an id is not."""
    monkeypatch.setattr(state, "MAX_TESTS", 3)
    mock.reset(None)
    mock.activate(None, "throttled")
    shared = mock.of_test(request(), ThreadStore).create("ANN").thread.thread_id
    for test_id in ("a", "b", "c"):
        mock.activate(test_id, "unavailable")
    mock.active_scenario("a")
    for number in range(2):
        mock.of_test(request(f"n{number}"), ThreadStore).create("ANN")
    assert [mock.active_scenario(test_id) for test_id in ("a", "b")] == ["unavailable", None]
    assert mock.active_scenario(None) == "throttled"
    assert mock.of_test(request(), ThreadStore).find("ANN", shared)
    mock.reset(None)


def test_questions_open_conversations(mock: Mock) -> None:
    """Follow-ups and tool results are no questions to begin with; a path limits the list."""
    texts = [question.text for question in mock.questions()]
    assert "Net sales by region" in texts
    assert "Only EMEA, please" not in texts
    assert {question.path for question in mock.questions(RUN)} == {RUN}
    assert 0 < len(mock.questions(RUN)) < len(texts)
    assert mock.questions("/nowhere") == []


def test_recorded_threads_are_known(mock: Mock) -> None:
    """Ids that recorded answers mention can be used without creating them."""
    assert 77 in mock.recorded_threads


@pytest.mark.parametrize(
    "final",
    [b"{", b"[]", b'{"metadata":5}', b'{"metadata":{"thread_id":"x"}}', b""],
    ids=["bad-json", "list", "metadata-number", "thread-text", "no-data"],
)
def test_a_broken_final_object_does_not_keep_the_mock_from_starting(
    keys: KeyPair, tmp_path: Path, final: bytes
) -> None:
    """What a server sent is recorded as it was, and played as it was."""
    head = ResponseHead(status=200, headers={"content-type": "text/event-stream"})
    frame = Frame(0, b"event: response\ndata: " + final + b"\n\n")
    header = Header(provenance="documented", source="made up", about="a test")
    interaction = Interaction(Recorded(method="POST", path=RUN, match=Match()), head, (frame,))
    save(Cassette("broken", header, (interaction,)), tmp_path / "broken.jsonl")
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    loaded = Mock(Options(public_keys=(keys.public_file,), cassettes=tmp_path, scenarios=scenarios))
    assert loaded.recorded_threads == frozenset()


@pytest.mark.parametrize("count", [0, 3])
def test_a_user_has_one_or_two_keys(keys: KeyPair, count: int) -> None:
    """As in Snowflake."""
    with pytest.raises(ValueError, match=f"{count} public keys given"):
        Mock(Options(public_keys=(keys.public_file,) * count))


@pytest.mark.parametrize("pace", [-1.0, float("nan"), float("inf"), 1e300])
def test_a_pace_out_of_range_is_refused(pace: float) -> None:
    """The mock's own pace has the range that a request's has."""
    with pytest.raises(ValueError, match=r"^pace .* is not a number from 0 \(at once\) to 1000$"):
        Options((), pace=pace)


def test_names_are_upper_case(keys: KeyPair) -> None:
    """Account, user and roles can be given in any case."""
    mock = Mock(Options((keys.public_file,), account="xy1.eu-central-1", user="ann", roles=("analyst",)))
    assert mock.account.name == "XY1"
    assert mock.account.users["ANN"].roles == {"ANALYST"}


def test_forgetting_is_for_one_test_or_all(mock: Mock) -> None:
    """A reset of one test leaves the journal of the others."""
    for test_id in ("one", "two"):
        mock.journal.open("POST", RUN).asked_by(test_id, None)
    mock.reset("one")
    assert [entry.test_id for entry in mock.journal.entries()] == ["two"]
    mock.reset(None)
    assert mock.journal.entries() == []


def test_everything_that_a_test_keeps_can_be_reset_by_name() -> None:
    """Each part asked for with `of_test` belongs to one of the names; a new surface has to take its place."""
    modules = {module for names in PARTS.values() for module in names}
    kept = set()
    for path in HERE.rglob("*.py"):
        if "tests" in path.parts:
            continue
        for kind in re.findall(r"\.of_test\(\s*request,\s*(\w+)\s*\)", path.read_text(encoding="utf-8")):
            module = importlib.import_module(".".join(path.relative_to(HERE.parent).with_suffix("").parts))
            kept.add(getattr(module, kind).__module__)
    assert "mocks.snowflake.threads" in kept
    assert kept <= modules, f"add to mocks.state.PARTS: {sorted(kept - modules)}"
