"""Scenario files: read strictly, checked against the cassettes they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mocks.cassette import load_all as load_cassettes
from mocks.grammar import Fault
from mocks.route import Surface
from mocks.scenario import Scenario, ScenarioFormatError, fitting, load, load_all, why_not
from mocks.state import HERE

CASSETTES = load_cassettes(HERE / "cassettes")
FILES = sorted((HERE / "scenarios").glob("*.yaml"))


def written(folder: Path, text: str, name: str = "made_up") -> Path:
    """A scenario file."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_a_shipped_scenario_loads(path: Path) -> None:
    """Every committed scenario says what it is about, what the client sees and what the page shows."""
    scenario = load(path)
    assert scenario.scenario == path.stem
    assert scenario.about
    assert {"client", "page"} <= scenario.model_fields_set


def test_shipped_scenarios_fit_the_cassettes() -> None:
    """All of them load together, by name, and each fault applies to at least one cassette."""
    loaded = load_all(HERE / "scenarios", CASSETTES)
    assert sorted(loaded) == [path.stem for path in FILES]
    reasons = {name: why_not(each.fault, CASSETTES) for name, each in loaded.items() if each.fault is not None}
    assert {name: reason for name, reason in reasons.items() if reason is not None} == {}


def test_a_fault_in_no_cassette_is_explained() -> None:
    """The reason names the event and what the fault needs of it."""
    fault = Fault.model_validate({"cut": {"after": "response.tabel"}})
    assert why_not(fault, CASSETTES) == "event 'response.tabel' occurs 0 times here, the fault needs 1"
    assert why_not(fault, []) == "nothing is recorded"


def test_the_first_cassette_that_fits_is_found() -> None:
    """The order given decides; names limit the choice; where nothing fits, nothing is found."""
    scenario = load(HERE / "scenarios" / "cut_inside_character.yaml")
    ascii_only, unicode = (
        next(each for each in CASSETTES if each.name == f"agents/{name}")
        for name in ("net_sales_by_region", "unicode_answer")
    )
    assert fitting(scenario, [ascii_only, unicode]) is unicode
    assert fitting(scenario, [ascii_only]) is None
    named = scenario.model_copy(update={"fault": None, "cassettes": ["agents/unicode_answer"]})
    assert fitting(named, [ascii_only, unicode]) is unicode


def test_only_true_and_false_are_truth_values(tmp_path: Path) -> None:
    """`on` is a key of faults and `no` a country; YAML 1.1 takes both for booleans."""
    document = "{on: on, no: no, yes: True, tested: true, failed: false}"
    text = f"scenario: made_up\nabout: x\nfault: {{respond: {{status: 200, json: {document}}}}}"
    fault = load(written(tmp_path, text)).fault
    assert fault is not None
    assert fault.respond is not None
    expected = {"on": "on", "no": "no", "yes": "True", "tested": True, "failed": False}
    assert fault.respond.json_body == expected


def test_a_scenario_concerns_the_surfaces_of_its_faults() -> None:
    """Agents' answers unless it says otherwise, and each surface that any of its faults names."""
    parts = {"respond": "unavailable"}
    faults = [None, parts, {**parts, "on": ["sql"]}, [parts, {**parts, "on": ["sql"]}]]
    each = [Scenario.model_validate({"scenario": "s", "about": "x", "fault": fault}) for fault in faults]
    seen = [(one.concerns(Surface.AGENT), one.concerns(Surface.SQL)) for one in each]
    assert seen == [(True, False), (True, False), (False, True), (True, True)]


def test_shipped_scenarios_load_beside_anyones_cassettes() -> None:
    """A folder of one's own may lack what a fault needs, as long as the scenario names none of its cassettes."""
    refund = [tape for tape in CASSETTES if tape.name == "agents/refund_deadline"]
    assert sorted(load_all(HERE / "scenarios", refund)) == [path.stem for path in FILES]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("- a", "found list, expected a mapping", id="list"),
        pytest.param("", "found NoneType", id="empty"),
        pytest.param("a: [", "not YAML", id="bad-yaml"),
        pytest.param("a: \x07", "not YAML", id="control-character"),
        pytest.param("scenario: made_up", "about: Field required", id="missing-key"),
        pytest.param("scenario: other\nabout: x", "file name must be the same", id="another-name"),
        pytest.param("scenario: Made-Up\nabout: x", "scenario: String should match", id="name-with-capitals"),
        pytest.param("scenario: made_up\nabout: x\nfualt: {}", "'fualt'; did you mean 'fault'?", id="unknown-key"),
        pytest.param(
            "scenario: made_up\nabout: x\nfault: {cut: {after: a, cont: 1}}",
            "'fault.cut.cont'; did you mean 'count'? Accepted here: after, before, count",
            id="unknown-key-in-fault",
        ),
        pytest.param(
            "scenario: made_up\nabout: x\nfault: {respond: {status: 200, json_body: {}}}",
            "'fault.respond.json_body'; did you mean 'json'?",
            id="name-instead-of-alias",
        ),
        pytest.param(
            "scenario: made_up\nabout: x\nclient: {sttaus: 1}\npanels: {still: a}", "panels.still:", id="two-faults"
        ),
        pytest.param("scenario: made_up\nabout: x\nfault: {}", "at least one of", id="empty-fault"),
        pytest.param("scenario: made_up\nabout: x\nxyz: 1", "'xyz'; Accepted here: scenario, about", id="far-off-key"),
    ],
)
def test_what_is_no_scenario_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """The error names the file, the place, and the key that was meant."""
    path = written(tmp_path, text)
    with pytest.raises(ScenarioFormatError) as refusal:
        load(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert words in str(refusal.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "latin.yaml"
    path.write_bytes("about: Zürich".encode("latin-1"))
    with pytest.raises(ScenarioFormatError, match=r"latin\.yaml: not YAML"):
        load(path)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        pytest.param(
            "cassettes: [agents/net_sale_by_region]",
            "did you mean 'agents/net_sales_by_region'?",
            id="unknown-cassette",
        ),
        pytest.param(
            "cassettes: [agents/refund_deadline]\nfault: {cut: {after: response.table}}",
            "does not apply to cassette 'agents/refund_deadline': event 'response.table' occurs 0 times",
            id="fault-not-in-its-cassette",
        ),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused(tmp_path: Path, rest: str, words: str) -> None:
    """A named cassette that is missing, or that its fault never fits, is found at start, not in a test at night."""
    written(tmp_path, f"scenario: made_up\nabout: x\n{rest}")
    with pytest.raises(ScenarioFormatError, match=words.replace("?", r"\?")):
        load_all(tmp_path, CASSETTES)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A misspelt folder is an error, not a mock without scenarios."""
    with pytest.raises(ScenarioFormatError, match="no such folder"):
        load_all(tmp_path / "missing", CASSETTES)


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("{reads: [x]}", "page.answer: Field required"),
        ("{answer: some}", "page.answer: Input should be 'whole', 'part' or 'none'"),
        ("{answer: none, says: [x]}", "unknown key 'page.says'"),
        ("{answer: none, wait_s: 0}", "page.wait_s: Input should be greater than or equal to 1"),
    ],
)
def test_what_the_page_shows_is_read_strictly(tmp_path: Path, page: str, complaint: str) -> None:
    """How much of the answer stands must be said; other keys than the known ones are refused."""
    path = written(tmp_path, f"scenario: made_up\nabout: x\npage: {page}\n")
    with pytest.raises(ScenarioFormatError, match=re.escape(complaint)):
        load(path)
