"""Which mutants are found out: by the check, by promtool on the rules' unit tests, by what was rehearsed.

What was rehearsed is still in Prometheus: a changed query is asked again, and its answers are held against the same
expectations and numbers as the query itself.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dashboards import rules
from dashboards.check.model import Documents
from dashboards.check.rules import found_in
from dashboards.proof import evaluate, truth
from dashboards.proof.board import PROMETHEUS, Board, Panel, Query, read
from dashboards.proof.evaluate import Status
from dashboards.proof.mutants import Json, Mutant, of_dashboard, of_rules
from dashboards.proof.prometheus import PrometheusError
from dashboards.proof.prove import Act, Proof

CASES = Path(__file__).parent.parent / "tests" / "rules"
AT_ONCE = 2
"""Runs of promtool at a time."""

CHECK, PROMTOOL, REHEARSED = "the check", "promtool", "what was rehearsed"

OBJECTIVES = ("first-token", "stream-completion")
"""Of the objectives, whose rules are all of one form, one that counts and one that measures are changed."""

MOST_OF_A_RULE = 12

MOST_LOOKED_AT = 8
"""Rehearsals in which a changed query is asked again to see whether it still has data."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant, and what found it out; nothing did, when empty."""

    mutant: Mutant
    killed_by: str


Say = Callable[[str], None]


def verdicts(proof: Proof, documents: Mapping[str, Json], say: Say) -> list[Verdict]:
    """Every mutant of the dashboards and rules with its verdict.   documents: dashboards by slug."""
    found = list(_of_dashboards(proof, documents, say))
    found += _of_rules(say)
    return found


# --- dashboards


def _of_dashboards(proof: Proof, documents: Mapping[str, Json], say: Say) -> Iterator[Verdict]:
    everything = {f"{slug}.json": document for slug, document in documents.items()}
    for slug, document in documents.items():
        file = f"{slug}.json"
        alone = _faults({file: document}, {})
        verdict = [_of_dashboard(each, proof, alone, everything) for each in of_dashboard(slug, document)]
        killed = sum(bool(each.killed_by) for each in verdict)
        say(f"{file}: {killed} of {len(verdict)} mutants found out")
        yield from verdict


def _of_dashboard(
    mutant: Mutant, proof: Proof, alone: frozenset[tuple[str, str]], everything: Mapping[str, Json]
) -> Verdict:
    """By the cheapest first: the document alone, what was rehearsed, all documents together."""
    if _faults({mutant.file: mutant.document}, {}) - alone:
        return Verdict(mutant, CHECK)
    if is_found_out(mutant, proof):
        return Verdict(mutant, REHEARSED)
    if " > " in mutant.where:  # a query: what the check finds in one, it finds in the document alone
        return Verdict(mutant, "")
    together = _faults({**everything, mutant.file: mutant.document}, _rule_files())
    return Verdict(mutant, CHECK if together - _all_faults(everything) else "")


_KNOWN: dict[int, frozenset[tuple[str, str]]] = {}


def _all_faults(everything: Mapping[str, Json]) -> frozenset[tuple[str, str]]:
    key = id(everything)
    if key not in _KNOWN:
        _KNOWN[key] = _faults(everything, _rule_files())
    return _KNOWN[key]


def _faults(dashboards: Mapping[str, Json], rule_files: Mapping[str, Json]) -> frozenset[tuple[str, str]]:
    """What the check finds, by rule and what was found: a place may have another name in a mutant."""
    documents = Documents(dashboards=dashboards, rules=rule_files, is_whole=False)
    return frozenset((fault.rule, f"{fault.where} {fault.found}") for fault in found_in(documents))


def is_found_out(mutant: Mutant, proof: Proof) -> bool:
    """Whether a changed dashboard shows something else than was expected, known or proven of it."""
    before = next(board for board in proof.boards if f"{board.slug}.json" == mutant.file)
    after = read(before.slug, mutant.document)
    old, new = _queries(before), _queries(after)
    gone = {address for address, _ in old} - {address for address, _ in new}
    if any(_is_named(address, proof.acts) for address in gone):
        return True
    if any((each.panel, each.ref) in old and (each.panel, each.ref) not in new for each in truth.TRUTHS):
        return True
    changed = [(key, new[key]) for key in new if key in old and new[key][1] != old[key][1]]
    if any(_query_is_found_out(key, *each, proof) for key, each in changed):
        return True
    if after.choices != before.choices:
        return any(evaluate.empty_variables([after], proof.acts[0].played, proof.monitor))
    return False


def _queries(board: Board) -> dict[tuple[str, str], tuple[Panel, Query]]:
    return {
        (panel.address, query.ref): (panel, query)
        for panel in board.panels
        for query in panel.queries
        if query.language == PROMETHEUS
    }


def _is_named(address: str, acts: Iterable[Act]) -> bool:
    return any(address in (*act.played.rehearsal.expected.moves, *act.played.rehearsal.expected.still) for act in acts)


def _query_is_found_out(key: tuple[str, str], panel: Panel, query: Query, proof: Proof) -> bool:
    """Shows no data where it was proven to, has a legend that never resolves, or shows other numbers than are known."""
    if _is_unproven(key, panel, query, proof):
        return True
    if _is_untrue(key, panel, query, proof):
        return True
    return any(_is_unexpected(key, panel, query, act, proof) for act in proof.acts)


def _is_unproven(key: tuple[str, str], panel: Panel, query: Query, proof: Proof) -> bool:
    """Whether a rehearsal in which the query itself has data shows that the changed one has a fault.

    One with data is enough to have proven it; a few more tell whether its legends are told apart.
    """
    lit = [act for act in proof.acts if act.evidence[key].status is Status.DATA][:MOST_LOOKED_AT]
    shown = [evaluate.shown(panel, query, act.played, proof.monitor) for act in lit]
    return any(each.status is Status.ERROR for each in shown) or any(evaluate.never(panel, query, shown))


def _is_untrue(key: tuple[str, str], panel: Panel, query: Query, proof: Proof) -> bool:
    return any(
        True
        for each in truth.TRUTHS
        if (each.panel, each.ref) == key
        for act in proof.acts
        if each.concerns(act.played.rehearsal)
        for _ in truth.differences(each, panel, query, act.played, proof.monitor)
    )


def _is_unexpected(key: tuple[str, str], panel: Panel, query: Query, act: Act, proof: Proof) -> bool:
    expected = act.played.rehearsal.expected
    if panel.address not in (*expected.moves, *expected.still):
        return False
    changed = {**act.evidence, key: evaluate.shown(panel, query, act.played, proof.monitor)}
    status = evaluate.statuses(changed)[panel.address]
    return (status is Status.DATA) is (panel.address in expected.still)


# --- rules


@cache
def _rule_files() -> dict[str, Json]:
    """As they are, written once."""
    return rules.documents()


def _of_rules(say: Say) -> Iterator[Verdict]:
    for file, document in _rule_files().items():
        mutants = [each for each in of_rules(file, document) if _is_chosen(each)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            verdict = list(pool.map(of_rule, _fewer(mutants)))
        killed = sum(bool(each.killed_by) for each in verdict)
        say(f"{file}: {killed} of {len(verdict)} mutants found out")
        yield from verdict


def _is_chosen(mutant: Mutant) -> bool:
    """Of rules that are written once for each objective, those of a few."""
    return mutant.file != "slo.yaml" or any(f" {each}" in mutant.where for each in OBJECTIVES)


def _fewer(mutants: Sequence[Mutant]) -> list[Mutant]:
    """At most so many of a rule, spread over all that there are."""
    by_rule: dict[str, list[Mutant]] = {}
    for each in mutants:
        by_rule.setdefault(each.where, []).append(each)
    chosen = []
    for several in by_rule.values():
        count = min(len(several), MOST_OF_A_RULE)
        chosen += [several[number * len(several) // count] for number in range(count)]
    return chosen


def of_rule(mutant: Mutant) -> Verdict:
    """A changed rule with its verdict: by the check of the rule alone, then by its unit tests."""
    original = _rule_files()[mutant.file]
    if _faults({}, {mutant.file: _changed_alone(mutant.document, original)}) - _faults(
        {}, {mutant.file: _alone(original, mutant)}
    ):
        return Verdict(mutant, CHECK)
    return Verdict(mutant, PROMTOOL if _fails(mutant, original) else "")


def _positions(mutant: Mutant, original: Json) -> tuple[int, int]:
    """Where the changed rule is: group and number."""
    return next(
        (group, number)
        for group, (after, before) in enumerate(zip(mutant.document["groups"], original["groups"], strict=True))
        for number, (new, old) in enumerate(zip(after["rules"], before["rules"], strict=True))
        if new != old
    )


def _only(document: Json, group: int, number: int) -> Json:
    kept = document["groups"][group]
    return {"groups": [{**kept, "rules": [kept["rules"][number]]}]}


def _alone(original: Json, mutant: Mutant) -> Json:
    return _only(original, *_positions(mutant, original))


def _changed_alone(document: Json, original: Json) -> Json:
    return _only(document, *_positions(Mutant("", "", "", "", document), original))


@dataclass(frozen=True, slots=True)
class _Case:
    """Unit tests of some rules: of a file, those that ask for one alert."""

    name: str
    document: Json


def _fails(mutant: Mutant, original: Json) -> bool:
    """Whether a unit test of the rule fails, of those that ask for the alerts which read it."""
    group, number = _positions(mutant, original)
    rule = original["groups"][group]["rules"][number]
    if "alert" in rule:
        names = frozenset([rule["alert"], mutant.document["groups"][group]["rules"][number]["alert"]])
    else:
        names = frozenset(each["alert"] for each in rules_of(original) if "alert" in each and _is_of(each, rule))
    few = trimmed(mutant.document, names, rule)
    if any(fails_in_promtool(mutant.file, few, case) for case in cases(mutant.file, names)):
        return True
    records = recording(mutant.document)
    return "record" in rule and any(fails_in_promtool(mutant.file, records, case) for case in expressions(mutant.file))


def rules_of(document: Json) -> Iterator[Json]:
    """Every rule of a file."""
    return (rule for group in document["groups"] for rule in group["rules"])


def _is_of(alert: Json, record: Json) -> bool:
    return bool(alert["labels"].get("sloth_slo") == record["labels"].get("sloth_slo"))


def trimmed(document: Json, names: frozenset[str], changed: Json) -> Json:
    """The alerts of these names, the records of their objective, and what was changed."""
    slo = changed.get("labels", {}).get("sloth_slo")

    def is_kept(rule: Json) -> bool:
        return rule.get("alert") in names or ("record" in rule and rule["labels"].get("sloth_slo") == slo)

    groups = [{**group, "rules": [each for each in group["rules"] if is_kept(each)]} for group in document["groups"]]
    return {"groups": [group for group in groups if group["rules"]]}


def recording(document: Json) -> Json:
    """All that is recorded, of every objective: one that reads another's series shows only beside it."""
    groups = [{**group, "rules": [rule for rule in group["rules"] if "record" in rule]} for group in document["groups"]]
    return {"groups": [group for group in groups if group["rules"]]}


@cache
def expressions(file: str) -> tuple[_Case, ...]:
    """The unit tests, of all files, that ask for recorded series alone."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        tests = [each for each in document["tests"] if "alert_rule_test" not in each]
        if tests and any(each.endswith(f"/{file}") for each in document["rule_files"]):
            found.append(_Case(path.name, {**document, "rule_files": [file], "tests": tests}))
    return tuple(found)


@cache
def cases(file: str, names: frozenset[str]) -> tuple[_Case, ...]:
    """The unit tests, of all files, that ask for one of these alerts."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not any(each.endswith(f"/{file}") for each in document["rule_files"]):
            continue
        tests = [
            {**test, "alert_rule_test": asked}
            for test in document["tests"]
            if (asked := [each for each in test.get("alert_rule_test", []) if each["alertname"] in names])
        ]
        if tests:
            found.append(_Case(path.name, {**document, "rule_files": [file], "tests": tests}))
    return tuple(found)


def fails_in_promtool(file: str, document: Json, case: _Case) -> bool:
    """Whether promtool finds a unit test that fails.   Raises: PrometheusError where there is no promtool."""
    groups = {group["name"] for group in document["groups"]}
    asked = copy.deepcopy(case.document)
    if order := asked.get("group_eval_order"):
        asked["group_eval_order"] = [each for each in order if each in groups]
    with tempfile.TemporaryDirectory(prefix="cortex-mutant-") as name:
        folder = Path(name)
        (folder / file).write_text(_text(document), encoding="utf-8")
        (folder / "case.yaml").write_text(_text(asked), encoding="utf-8")
        ran = subprocess.run(  # noqa: S603 - our own files
            [_program(), "test", "rules", "case.yaml"], cwd=folder, capture_output=True, timeout=120, check=False
        )
    return ran.returncode != 0


@cache
def _program() -> str:
    found = shutil.which("promtool")
    if found is None:
        raise PrometheusError("promtool is not installed, and mutants of rules need it: apt-get install prometheus")
    return found


def _text(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Quick, where libyaml is there."""

    def ignore_aliases(self, _data: object) -> bool:
        """No anchors."""
        return True


def score(found: Sequence[Verdict]) -> float:
    """The share of the mutants that were found out."""
    return sum(bool(each.killed_by) for each in found) / len(found)


def by_kind(found: Sequence[Verdict]) -> list[tuple[str, int, int]]:
    """Of each kind of mistake: how many there were, and how many were found out."""
    every = Counter(each.mutant.kind for each in found)
    killed = Counter(each.mutant.kind for each in found if each.killed_by)
    return [(kind, number, killed[kind]) for kind, number in sorted(every.items())]
