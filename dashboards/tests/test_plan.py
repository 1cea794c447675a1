"""The plan of an import, without any Grafana."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dashboards import plan
from dashboards.plan import Document, Found, FoundDashboard, PlanError, Source, Wanted

PROMETHEUS = Source("p1", "Metrics", "prometheus")
LOKI = Source("l1", "Logs", "loki")


def board(slug: str = "overview", **fields: Any) -> Document:
    """A dashboard of ours."""
    return {"uid": f"cortex-{slug}", "title": slug, "tags": [plan.TAG], "panels": [], **fields}


def there(document: Document, **fields: Any) -> FoundDashboard:
    """That dashboard as an earlier push left it."""
    stored = {**document, "id": 7, "version": 3}
    return FoundDashboard(stored, **{"folder_uid": plan.FOLDER_UID, "message": plan.message(document), **fields})


def found(*dashboards: FoundDashboard, **fields: Any) -> Found:
    """A Grafana with our folder and these dashboards."""
    return Found(has_folder=True, dashboards={str(each.document["uid"]): each for each in dashboards}, **fields)


def rule(uid: str = "cortex-down", **fields: Any) -> Document:
    """A rule of ours in the form of provisioning files."""
    query = {
        "refId": "A",
        "datasourceUid": "x",
        "model": {"expr": "up == 0", "datasource": {"type": "prometheus", "uid": "x"}},
    }
    expression = {"refId": "B", "datasourceUid": "__expr__", "model": {"expression": "$A"}}
    return {
        "uid": uid,
        "title": uid,
        "for": "5m",
        "data": [query, expression],
        "labels": {},
        "annotations": {},
    } | fields


def group(*rules: Document, name: str = "causes") -> Document:
    """A group in the API's form."""
    return plan.as_group({"name": name, "interval": "1m", "rules": list(rules)}, PROMETHEUS)


def kept(group: Document, **fields: Any) -> list[Document]:
    """The rules of a group as Grafana keeps them after a push."""
    return [{**each, "provenance": "api", "notification_settings": None, **fields} for each in group["rules"]]


# --- data sources -----------------------------------------------------------------------------------------------------


def test_the_only_source_of_a_kind_is_taken() -> None:
    """Without a wish, and among others of other kinds."""
    assert plan.choose("prometheus", None, [LOKI, PROMETHEUS]) == PROMETHEUS


def test_a_uid_goes_before_a_name() -> None:
    """Where one source is called as another's uid is, the uid wins."""
    other = Source("p2", "p1", "prometheus")
    assert plan.choose("prometheus", "p1", [other, PROMETHEUS]) == PROMETHEUS
    assert plan.choose("prometheus", "Metrics", [other, PROMETHEUS]) == PROMETHEUS


def test_a_missing_loki_is_none_and_a_missing_prometheus_an_error() -> None:
    """Nothing here works without Prometheus."""
    assert plan.choose("loki", None, [PROMETHEUS]) is None
    with pytest.raises(PlanError, match=r"there are 0 prometheus data sources.*Grafana has: none"):
        plan.choose("prometheus", None, [LOKI])


@pytest.mark.parametrize("asked", [None, "Twin", "nobody"])
def test_a_choice_that_is_not_clear_lists_the_candidates(asked: str | None) -> None:
    """Several without a wish, several of one name, and one that is not there."""
    twins = [Source("a", "Twin", "loki"), Source("b", "Twin", "loki")]
    with pytest.raises(PlanError, match=r"Twin \(uid a\), Twin \(uid b\)\. Name one with --loki"):
        plan.choose("loki", asked, twins)


# --- rules into the API's form ----------------------------------------------------------------------------------------


def test_a_group_takes_the_form_of_the_api() -> None:
    """Seconds for the pace, our folder and label, the chosen data source in both places, expressions left alone."""
    made = group(rule(keepFiringFor="1m", missing_series_evals_to_resolve=1, dashboardUid="cortex-overview", panelId=4))
    (one,) = made["rules"]
    assert (made["title"], made["folderUid"], made["interval"]) == ("causes", "cortex", 60)
    assert (one["folderUID"], one["ruleGroup"], one["labels"]) == ("cortex", "causes", {"managed_by": plan.TAG})
    assert [each["datasourceUid"] for each in one["data"]] == ["p1", "__expr__"]
    assert one["data"][0]["model"]["datasource"] == {"type": "prometheus", "uid": "p1"}
    assert one["annotations"] == {"__dashboardUid__": "cortex-overview", "__panelId__": "4"}
    assert (one["keep_firing_for"], one["missingSeriesEvalsToResolve"]) == ("1m", 1)
    assert not {"keepFiringFor", "missing_series_evals_to_resolve", "dashboardUid", "panelId"} & set(one)


@pytest.mark.parametrize(
    ("written", "is_seconds"), [("0s", 0), ("300s", 300), ("5m", 300), ("5m0s", 300), ("1d2h", 93_600), ("1500ms", 1.5)]
)
def test_durations_in_all_their_writings(written: str, is_seconds: float) -> None:
    """Prometheus writes the same time in many ways."""
    assert plan.seconds(written) == is_seconds


@pytest.mark.parametrize("written", ["5", "m", "5 m", "-5m", "5min"])
def test_what_is_no_duration(written: str) -> None:
    """It is an error that repeats it."""
    with pytest.raises(PlanError, match="is no duration"):
        plan.seconds(written)


# --- plans ------------------------------------------------------------------------------------------------------------


def planned(wanted: Wanted, state: Found, *, overwrite: bool = False) -> tuple[list[str], list[str]]:
    """Verbs with names, and objections."""
    made = plan.make(wanted, state, overwrite=overwrite)
    return [f"{action.verb} {action.name}" for action in made.actions], list(made.objections)


def test_an_empty_grafana_gets_the_folder_first() -> None:
    """Then dashboards and rules, which need it."""
    wanted = Wanted([board()], [group(rule())])
    assert planned(wanted, Found(has_folder=False)) == (
        ["create cortex", "create cortex-overview", "create causes"],
        [],
    )


def test_what_is_there_needs_nothing() -> None:
    """Also when Grafana stored other JSON than it was given, and added fields to a rule."""
    wanted = Wanted([board()], [group(rule())])
    stored = there(board(), message=plan.message(board()))
    stored.document["schemaVersion"] = 99
    rules = kept(wanted.groups[0], **{"for": "300s"}) if wanted.groups else []
    assert planned(wanted, found(stored, rules=rules, intervals_s={"causes": 60})) == ([], [])


def test_numbers_that_grafana_gives_are_no_content() -> None:
    """An id and a version in the build tell nothing apart; a title does."""
    assert plan.message(board(id=None, version=4)) == plan.message(board())
    assert plan.message(board(title="other")) != plan.message(board())


@pytest.mark.parametrize(
    ("fields", "interval_s"),
    [
        ({"for": "10m"}, 60),
        ({"title": "other"}, 60),
        ({"labels": {"managed_by": plan.TAG, "severity": "info"}}, 30),
        ({"data": []}, 60),
        ({"annotations": {"summary": "no longer"}}, 30),
    ],
    ids=["wait", "title", "pace", "queries", "pace-again"],
)
def test_a_rule_that_differs_is_written(fields: Mapping[str, Any], interval_s: int) -> None:
    """In what was asked for; what Grafana adds is no difference."""
    wanted = [group(rule())]
    state = found(rules=kept(wanted[0], **fields), intervals_s={"causes": interval_s})
    assert planned(Wanted([], wanted), state) == (["change causes"], [])


def test_creations_come_before_deletions() -> None:
    """A push that fails on the way has removed nothing yet."""
    state = found(there(board("old")), rules=kept(group(rule("cortex-old"), name="old")), intervals_s={"old": 60})
    actions, objections = planned(Wanted([board()], [group(rule())]), state)
    assert actions == ["create cortex-overview", "create causes", "delete cortex-old", "delete old"]
    assert objections == []


@pytest.mark.parametrize(
    ("document", "folder"),
    [(board("old", uid="Xy1"), "cortex"), (board("old", tags=[]), "cortex"), (board("old"), "others")],
    ids=["copy", "no-tag", "elsewhere"],
)
def test_what_is_not_ours_is_not_pruned(document: Document, folder: str) -> None:
    """Our prefix, our tag and our folder, or it is somebody's own."""
    assert planned(Wanted([], None), found(there(document, folder_uid=folder))) == ([], [])


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_edit_is_replaced_only_when_asked(overwrite: bool) -> None:
    """The message of the latest version tells whether it is ours."""
    state = found(there(board(), message="", saved_by="grace", saved_at="2026-01-01"))
    actions, objections = planned(Wanted([board()], None), state, overwrite=overwrite)
    assert actions == ["change cortex-overview"]
    assert [text for text in objections if "grace saved version 3 of it at 2026-01-01" in text] == objections
    assert bool(objections) is not overwrite


def test_files_win_over_overwrite() -> None:
    """What Grafana reads from a file cannot be overwritten by wishing."""
    state = found(
        there(board(), provisioned_from="overview.json"),
        rules=kept(group(rule()), provenance="file"),
        intervals_s={"causes": 60},
    )
    _, objections = planned(Wanted([board()], [group(rule())]), state, overwrite=True)
    assert ["overview.json" in objections[0], "reads it from a file" in objections[1]] == [True, True]


def test_rules_are_left_alone_when_none_are_wanted() -> None:
    """Neither written nor pruned nor objected to."""
    state = found(rules=kept(group(rule()), provenance="file"), intervals_s={"causes": 60})
    assert planned(Wanted([], None), state) == ([], [])


# --- for people -------------------------------------------------------------------------------------------------------


def test_panels_are_compared_by_title() -> None:
    """One new in front is one difference, and a changed query is named by its place."""
    before = {"panels": [{"title": "A", "targets": [{"refId": "A", "expr": "x"}]}, {"title": "B"}]}
    after = {"panels": [{"title": "New"}, {"title": "A", "targets": [{"refId": "A", "expr": "y"}]}, {"title": "B"}]}
    assert sorted(plan.differences(before, after)) == [
        'panels[A].targets[A].expr: "x" -> "y"',
        'panels[New]: new, {"title": "New"}',
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"b": 1}, ["a: gone, was 1", "b: new, 1"]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, ["a[1]: 2 -> 3", "a[2]: new, 4"]),
        ({"a": {"b": None}}, {"a": {"b": []}}, ["a.b: null -> []"]),
        ({"a": [{"name": "x"}, {"name": "x"}]}, {"a": [{"name": "x"}]}, ['a[1]: gone, was {"name": "x"}']),
        ({"a": "x" * 99}, {"a": 1}, [f'a: "{"x" * 59}... -> 1']),
    ],
    ids=["none", "keys", "list", "kinds", "same-names", "long"],
)
def test_differences(before: Document, after: Document, told: list[str]) -> None:
    """Each place once, with both values, cut to what can be read."""
    assert list(plan.differences(before, after)) == told


def test_many_changes_are_counted() -> None:
    """A dashboard that changed everywhere fills no screen."""
    after = board() | {f"field{number}": number for number in range(20)}
    lines = list(plan.make(Wanted([after], None), found(there(board()))).lines())
    assert len(lines) == 1 + plan.SHOWN_CHANGES + 1
    assert lines[-1].strip() == "... and 8 more"
