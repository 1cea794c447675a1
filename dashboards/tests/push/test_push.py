"""The import into Grafana, through the real grafana-client, against the stand-in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards import push
from dashboards.tests.grafana import (
    ADMIN,
    ADMIN_TOKEN,
    EDITOR_TOKEN,
    VIEWER_TOKEN,
    Answer,
    Asked,
    Interference,
    Standin,
    State,
    running,
    said,
)
from dashboards.tests.push.conftest import Build, Push, board, group, rule


def uids(state: State) -> set[str]:
    """Of all dashboards."""
    return set(state.dashboards)


# --- what it writes ---------------------------------------------------------------------------------------------------


def test_everything_is_imported_into_an_empty_grafana(push_it: Push, state: State) -> None:
    """Folder, dashboards and rule groups are there, each dashboard begins with the data source that Grafana has."""
    pushed = push_it()

    assert pushed.status == 0, pushed.told
    assert state.folders["cortex"]["title"] == "Cortex"
    assert uids(state) == {"theirs", "cortex-overview", "cortex-tools"}
    latest = state.dashboards["cortex-overview"][-1]
    assert latest["folderUid"] == "cortex"
    assert [each.get("current") for each in latest["dashboard"]["templating"]["list"]] == [
        {"text": "Prometheus", "value": "uid-prometheus"},
        {"text": "Loki", "value": "uid-loki"},
        None,
    ]
    assert {each["ruleGroup"] for each in state.rules.values()} == {"causes", "suites"}
    down = state.rules["cortex-cortexproxydown"]
    assert [each["datasourceUid"] for each in down["data"]] == ["uid-prometheus", "__expr__"]
    assert down["data"][0]["model"]["datasource"] == {"type": "prometheus", "uid": "uid-prometheus"}
    assert down["labels"] == {"severity": "critical", "managed_by": "cortex-harness"}
    assert (down["provenance"], state.intervals["cortex", "causes"]) == ("api", 30)


@pytest.mark.parametrize("version", ["10.4.3", "11.6.0", "12.4.1", "13.2.1-12345.patch2"])
def test_a_second_push_changes_nothing(push_it: Push, state: State, version: str) -> None:
    """Whatever of a rule that Grafana keeps or adds, the second push finds everything as it should be and says so."""
    state.version = version
    assert push_it().status == 0
    first = len(state.writes())

    again = push_it()

    assert again.status == 0, again.told
    assert "Nothing to do: 2 dashboards and 3 alert rules are as they should be." in again.told
    assert len(state.writes()) == first


def test_an_editor_may_push(push_it: Push) -> None:
    """The role Editor has all that is needed."""
    assert push_it(token=EDITOR_TOKEN).status == 0


def test_a_change_is_written_and_nothing_else(push_it: Push, build: Build, state: State) -> None:
    """A new panel, a new threshold: one dashboard and one group are written, and the places are named."""
    push_it()
    first = len(state.writes())
    build.dashboards["tools"] = board("tools", "Tool calls", "Tool duration")
    build.groups["suites"] = group("suites", rule("CortexMockDown", "up < 1"), interval="60s")

    pushed = push_it()

    assert pushed.status == 0
    assert state.writes()[first:] == [
        "POST /api/dashboards/db",
        "PUT /api/v1/provisioning/folder/cortex/rule-groups/suites",
    ]
    assert 'panels[Tool duration]: new, {"id": 2, "title": "Tool duration"}' in pushed.told
    assert 'rules[cortex-cortexmockdown].data[A].model.expr: "up == 0" -> "up < 1"' in pushed.told
    assert "interval: 30 -> 60" in pushed.told
    assert state.dashboards["cortex-tools"][-1]["dashboard"]["version"] == 2


def test_what_is_no_longer_built_is_pruned(push_it: Push, build: Build, state: State) -> None:
    """A dashboard, a group and a rule of ours that the build has not any more are removed."""
    push_it()
    del build.dashboards["tools"], build.groups["suites"]
    build.groups["causes"] = group("causes", rule("CortexProxyDown"))

    pushed = push_it()

    assert pushed.status == 0, pushed.told
    assert uids(state) == {"theirs", "cortex-overview"}
    assert set(state.rules) == {"cortex-cortexproxydown"}
    assert "delete  dashboard    Cortex · Tools (cortex-tools)" in pushed.told


def test_what_is_not_ours_is_left_alone(push_it: Push, build: Build, state: State) -> None:
    """A copy in our folder that kept our tag, a dashboard without it, a rule of another group: all stay as they are."""
    push_it()
    state.save({**board("copy", "Requests"), "uid": "adOw3kz7k"}, "cortex")
    state.save({"uid": "cortex-mine", "title": "Mine", "tags": [], "panels": []}, "cortex")
    state.rules["own"] = {**state.rules["cortex-cortexmockdown"], "uid": "own", "ruleGroup": "own", "labels": {}}
    state.intervals["cortex", "own"] = 60
    del build.dashboards["tools"]

    assert push_it().status == 0

    assert uids(state) == {"theirs", "cortex-overview", "adOw3kz7k", "cortex-mine"}
    assert "own" in state.rules


@pytest.mark.parametrize("slash", ["", "/"], ids=["without-slash", "with-slash"])
def test_alerts_link_to_where_runbooks_are(push_it: Push, state: State, slash: str) -> None:
    """A path of the repository leads nowhere in Grafana, so that an address can take its place."""
    assert push_it(runbooks=f"https://runbooks.example.com/cortex{slash}").status == 0
    found = state.rules["cortex-cortexmockdown"]["annotations"]["runbook_url"]
    assert found == "https://runbooks.example.com/cortex/CortexMockDown.md"


def test_a_group_may_be_called_anything(push_it: Push, build: Build, state: State) -> None:
    """Its name is part of a path."""
    build.groups = {"odd": group("causes & more/50 %", rule("CortexProxyDown"))}
    assert push_it().status == 0
    assert state.intervals == {("cortex", "causes & more/50 %"): 30}
    assert "Nothing to do" in push_it().told


def test_alert_rules_can_be_left_alone(push_it: Push, build: Build, state: State) -> None:
    """Without alerts none is written, and those of an earlier push stay."""
    assert push_it(alerts=False).status == 0
    assert not state.rules
    push_it()
    del build.groups["suites"]
    assert push_it(alerts=False).status == 0
    assert "cortex-cortexmockdown" in state.rules


def test_a_dry_run_tells_and_writes_nothing(push_it: Push, state: State, before: dict[str, Any]) -> None:
    """It lists what it would do and its exit code is that of drift."""
    pushed = push_it(dry_run=True)

    assert pushed.status == push.DRIFT
    assert "create  dashboard    Cortex · Overview (cortex-overview)" in pushed.told
    assert "create  alert rules  2 rules, every 30 s (causes)" in pushed.told
    assert "nothing was written" in pushed.told
    assert (state.inventory(), state.writes()) == (before, [])


def test_a_dry_run_of_what_is_there_ends_well(push_it: Push) -> None:
    """Its exit code is 0 when there is nothing to do."""
    push_it()
    assert push_it(dry_run=True).status == 0


# --- data sources -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["uid-second", "Second"], ids=["uid", "name"])
def test_a_data_source_is_chosen_by_uid_or_name(push_it: Push, state: State, asked: str) -> None:
    """Among several of a type, the one that was named is used."""
    state.add_source("prometheus", "Second", "uid-second")
    assert push_it(datasource=asked).status == 0
    assert state.rules["cortex-cortexmockdown"]["data"][0]["datasourceUid"] == "uid-second"


def test_several_data_sources_need_a_choice(push_it: Push, state: State) -> None:
    """The candidates are listed, and nothing is written."""
    state.add_source("prometheus", "Second", "uid-second")
    pushed = push_it()
    assert pushed.status == 1
    assert "Prometheus (uid uid-prometheus), Second (uid uid-second). Name one with --datasource." in pushed.told
    assert state.writes() == []


def test_a_grafana_without_loki_gets_all_but_its_panels(push_it: Push, state: State) -> None:
    """Only Prometheus is needed; of what is missing it is said that its panels stay empty."""
    state.sources[:] = [each for each in state.sources if each["type"] != "loki"]
    pushed = push_it()
    assert pushed.status == 0
    assert "loki        none; its panels stay empty" in pushed.told


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"datasource": "nope"}, "there is no prometheus data source 'nope'"),
        ({"loki": "nope"}, "Name one with --loki"),
    ],
    ids=["prometheus", "loki"],
)
def test_an_unknown_data_source_is_an_error(push_it: Push, state: State, option: dict[str, str], words: str) -> None:
    """What was asked for and is not there stops the push before it writes."""
    pushed = push_it(**option)
    assert (pushed.status, state.writes()) == (1, [])
    assert words in pushed.told


# --- what it must not touch -------------------------------------------------------------------------------------------


def edit(state: State) -> None:
    """Somebody changes a dashboard of ours."""
    latest = state.dashboards["cortex-tools"][-1]["dashboard"]
    state.save({**latest, "panels": []}, "cortex", "better so", by="grace")


def test_an_edit_in_grafana_is_not_overwritten(push_it: Push, state: State) -> None:
    """Who saved what is told, and what to do; nothing is written, to no other dashboard either."""
    push_it()
    edit(state)
    writes = state.writes()

    pushed = push_it()

    assert pushed.status == 1
    assert "dashboard Cortex · Tools (cortex-tools): grace saved version 2 of it" in pushed.told
    assert "--overwrite" in pushed.told
    assert state.writes() == writes


def test_an_edit_is_overwritten_when_asked(push_it: Push, state: State) -> None:
    """With overwrite the build wins, and the edit stays in the dashboard's versions."""
    push_it()
    edit(state)
    assert push_it(overwrite=True).status == 0
    assert state.dashboards["cortex-tools"][-1]["dashboard"]["panels"] != []
    assert state.dashboards["cortex-tools"][1]["createdBy"] == "grace"
    assert "Nothing to do" in push_it().told


def provision(state: State) -> None:
    """Grafana reads one of ours from a file."""
    state.provisioned["cortex-overview"] = "/etc/grafana/cortex/overview.json"


def provision_from_somewhere(state: State) -> None:
    """Grafana does not say from which file."""
    state.provisioned["cortex-overview"] = ""


def move(state: State) -> None:
    """One of ours lies elsewhere."""
    state.dashboards["cortex-overview"][-1]["folderUid"] = "others"


def take_uid(state: State) -> None:
    """Somebody's own dashboard has our uid."""
    state.dashboards["cortex-overview"][-1]["dashboard"]["tags"] = []


def rule_from_file(state: State) -> None:
    """Grafana reads a rule of ours from a file."""
    state.rules["cortex-cortexmockdown"]["provenance"] = "file"


def rule_converted(state: State) -> None:
    """Something else manages a rule of ours."""
    state.rules["cortex-cortexmockdown"]["provenance"] = "converted_prometheus"


def rule_made_editable(state: State) -> None:
    """Somebody unlocked a rule of ours."""
    state.rules["cortex-cortexmockdown"]["provenance"] = ""


def rule_of_somebody(state: State) -> None:
    """Somebody put a rule into a group of ours."""
    state.rules["own"] = {**state.rules["cortex-cortexmockdown"], "uid": "own", "title": "Own", "labels": {}}


def rule_uid_elsewhere(state: State) -> None:
    """A rule in another folder has our uid."""
    state.rules["cortex-cortexmockdown"]["folderUID"] = "others"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (provision, "Grafana reads it from /etc/grafana/cortex/overview.json, and only that file changes it"),
        (provision_from_somewhere, "Grafana reads it from a file, and only that file changes it"),
        (move, "not our tag 'cortex-harness' or not our folder 'Cortex'"),
        (take_uid, "not our tag 'cortex-harness' or not our folder 'Cortex'"),
        (
            rule_from_file,
            "alert rule CortexMockDown (cortex-cortexmockdown) in group suites: Grafana reads it from a file",
        ),
        (rule_converted, "'converted_prometheus' manages it"),
        (rule_made_editable, "it was made editable"),
        (rule_of_somebody, "alert rule Own (own) in group suites: it is not ours"),
        (rule_uid_elsewhere, "it is not ours, having no label managed_by=cortex-harness or another folder"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_stands_in_the_way_stops_everything(
    push_it: Push, build: Build, state: State, change: Callable[[State], None], words: str
) -> None:
    """Each is named with what helps, and nothing is written although other things are to do."""
    push_it()
    change(state)
    build.dashboards["streaming"] = board("streaming")
    writes = state.writes()

    pushed = push_it()

    assert pushed.status == 1
    assert words in pushed.told
    assert "Nothing was written." in pushed.told
    assert state.writes() == writes


def test_all_objections_are_told(push_it: Push, state: State) -> None:
    """Not only the first."""
    push_it()
    provision(state)
    edit(state)
    rule_from_file(state)
    told = push_it().told
    assert all(name in told for name in ("cortex-overview", "cortex-tools", "cortex-cortexmockdown"))


# --- rights, versions, addresses --------------------------------------------------------------------------------------


def test_missing_permissions_are_all_named(push_it: Push, state: State) -> None:
    """A viewer is told every permission that a push needs and it lacks, before anything is written."""
    pushed = push_it(token=VIEWER_TOKEN)
    assert (pushed.status, state.writes()) == (1, [])
    assert "change dashboards: dashboards:write" in pushed.told
    assert "create the folder: folders:create" in pushed.told
    assert "write alert rules: alert.provisioning:write or" in pushed.told
    assert "read dashboards" not in pushed.told


def test_half_of_a_way_is_no_way(push_it: Push, state: State) -> None:
    """Writing rules without their provenance is not enough."""
    state.permissions[VIEWER_TOKEN] = ADMIN - {"alert.provisioning:write", "alert.provisioning.provenance:write"}
    pushed = push_it(token=VIEWER_TOKEN)
    assert (pushed.status, state.writes()) == (1, [])
    assert "write alert rules: " in pushed.told


def test_permissions_that_cannot_be_asked_for(push_it: Push, state: State) -> None:
    """A fault is a fault, and not a Grafana that tells none."""
    state.interfere = lambda asked: said(500, "no database") if asked.path.endswith("/permissions") else None
    pushed = push_it()
    assert (pushed.status, state.writes()) == (1, [])
    assert "Asking for the token's permissions: 500: no database" in pushed.told


def test_a_grafana_that_tells_no_permissions_is_tried(push_it: Push, state: State) -> None:
    """Then the first refusal names the permission, and what was written until then is taken back."""
    state.tells_permissions = False
    state.permissions[VIEWER_TOKEN] = ADMIN - {"alert.provisioning:write", "alert.rules:write"}
    before = state.inventory()

    pushed = push_it(token=VIEWER_TOKEN)

    assert pushed.status == 1
    assert "403: You'll need additional permissions to perform this action. Permissions needed: alert" in pushed.told
    assert "taken back: create dashboard Cortex · Tools (cortex-tools)" in pushed.told
    assert "Grafana is as it was." in pushed.told
    assert state.inventory() == before


@pytest.mark.parametrize("version", ["9.5.21", "8.0.0", "", "main"])
def test_a_grafana_of_the_wrong_version_is_refused(push_it: Push, state: State, version: str) -> None:
    """Older than 10, or of no version at all: nothing else is even asked."""
    state.version = version
    pushed = push_it()
    assert (pushed.status, state.writes(), len(state.asked)) == (1, [], 1)
    assert "10 or newer is needed" in pushed.told or "it tells no version" in pushed.told


def test_an_unknown_token_is_explained(push_it: Push, state: State) -> None:
    """It says what to do, and never shows the token."""
    pushed = push_it(token="glsa_revoked")
    assert (pushed.status, state.writes()) == (1, [])
    assert "401: Invalid API key. Grafana does not take this token" in pushed.told
    assert "glsa_revoked" not in pushed.told


def test_a_token_that_comes_back_is_starred(push_it: Push, state: State) -> None:
    """Even in what a server says."""
    state.interfere = lambda _asked: said(500, f"cannot use {ADMIN_TOKEN}")
    pushed = push_it()
    assert "500: cannot use ***" in pushed.told
    assert ADMIN_TOKEN not in pushed.told


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Answer(200, "<!DOCTYPE html><title>Sign in</title>"), "answers a web page; is it the address of a Grafana"),
        (Answer(200, []), "answers []; is it the address of a Grafana"),
        (Answer(200, None), "is it the address of a Grafana"),
        (Answer(404, "<html>nginx</html>"), "404: a web page. Grafana does not have it, or not at this address"),
        (Answer(502, "<html>Bad gateway</html>"), "502: a web page. Its log says more"),
    ],
    ids=["page", "list", "nothing", "not-found", "gateway"],
)
def test_what_is_no_grafana_is_told(push_it: Push, state: State, reply: Answer, words: str) -> None:
    """A page, a gateway's error or a login in front: the address is doubted, nothing is written."""
    state.interfere = lambda _asked: reply
    pushed = push_it()
    assert (pushed.status, state.writes()) == (1, [])
    assert words in pushed.told


def test_a_redirect_is_not_followed(push_it: Push, state: State) -> None:
    """The token goes nowhere else, and no POST becomes a GET."""
    elsewhere = Answer(302, None, {"Location": "/api/elsewhere"})
    state.interfere = lambda asked: elsewhere if asked.path == "/api/frontend/settings" else said(200, "here")
    pushed = push_it()
    assert (pushed.status, len(state.asked)) == (1, 1)
    assert "sends elsewhere. Give the address that it leads to" in pushed.told


def test_a_page_in_answer_to_a_write(push_it: Push, state: State, before: dict[str, Any]) -> None:
    """A login that ran out on the way is no success."""
    page = Answer(200, "<!doctype html><title>Sign in</title>")
    state.interfere = lambda asked: page if asked.path == "/api/dashboards/db" else None
    pushed = push_it()
    assert pushed.status == 1
    assert "answers a web page" in pushed.told
    assert state.inventory() == before


def test_nobody_there(push_it: Push) -> None:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        pushed = push_it(url=f"http://127.0.0.1:{free.getsockname()[1]}")
    assert pushed.status == 1
    assert "cannot be reached (" in pushed.told


def test_no_answer(push_it: Push, state: State) -> None:
    """A server that accepts and says nothing is given up after the timeout."""
    over = threading.Event()
    state.interfere = lambda _asked: said(200, "late") if over.wait(20) else None
    try:
        pushed = push_it(timeout_s=0.3)
    finally:
        over.set()
    assert pushed.status == 1
    assert "did not answer within 0.3 s" in pushed.told


@pytest.mark.parametrize(
    "url",
    [
        "grafana.example.com",
        "ftp://127.0.0.1",
        "http://",
        "http://ada:lovelace@127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1/?orgId=2",
    ],
)
def test_an_address_that_is_none(push_it: Push, url: str) -> None:
    """It says what one looks like, and repeats no password."""
    pushed = push_it(url=url)
    assert pushed.status == 1
    assert "must be like https://host" in pushed.told
    assert "lovelace" not in pushed.told


@pytest.mark.parametrize("slash", ["", "/"], ids=["without-slash", "with-slash"])
def test_a_grafana_below_a_path(push_it: Push, state: State, slash: str) -> None:
    """The path of the address is kept, whether it ends in a slash or not."""
    with running(state, prefix="/tools/grafana") as below:
        assert push_it(url=below.url + slash).status == 0
    assert "cortex-overview" in state.dashboards


# --- halfway ----------------------------------------------------------------------------------------------------------


def failing_at(nth: int, reply: Answer) -> Interference:
    """The n-th write is refused, once."""
    writes = iter(range(1, 1000))

    def interfere(asked: Asked) -> Answer | None:
        return reply if asked.method != "GET" and next(writes) == nth else None

    return interfere


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize(
    "reply", [said(500, "database is locked"), said(403, "Access denied"), said(412, "changed")], ids=lambda r: r.status
)
def test_a_push_that_fails_halfway_takes_itself_back(push_it: Push, state: State, nth: int, reply: Answer) -> None:
    """Whichever write fails, an empty Grafana is empty again; each write that was taken back is told."""
    before = state.inventory()
    state.interfere = failing_at(nth, reply)

    pushed = push_it()

    assert pushed.status == 1
    assert pushed.told.count("taken back: ") >= nth - 1
    assert "Grafana is as it was." in pushed.told
    assert state.inventory() == before


@pytest.mark.parametrize("nth", range(1, 7))
def test_changes_and_deletions_are_taken_back_too(push_it: Push, build: Build, state: State, nth: int) -> None:
    """What a failed push changed, moved or removed has its earlier content, and the next push goes through."""
    build.groups["suites"] = group("suites", rule("CortexMockDown"), rule("CortexMockMisses"))
    push_it()
    build.dashboards["overview"] = board("overview", "Requests")
    build.dashboards["streaming"] = board("streaming", "Gaps")
    build.groups["causes"] = group("causes", rule("CortexProxyDown", "up < 1"), rule("CortexMockDown"))
    del build.dashboards["tools"], build.groups["suites"]
    build.groups["extra"] = group("extra", rule("CortexSuiteFailing"))
    earlier = state.inventory()
    state.interfere = failing_at(nth, said(500, "database is locked"))

    failed = push_it()

    assert "Grafana is as it was." in failed.told, failed.told
    assert state.inventory() == earlier
    state.interfere = None
    assert push_it().status == 0
    assert uids(state) == {"theirs", "cortex-overview", "cortex-streaming"}


def test_a_write_whose_answer_is_lost_is_taken_back(push_it: Push, state: State) -> None:
    """A dashboard that was saved although its answer never came does not stay."""
    before = state.inventory()

    def lose(asked: Asked) -> Answer | None:
        if asked.path == "/api/dashboards/db" and asked.body["dashboard"]["uid"] == "cortex-tools":
            state.save(asked.body["dashboard"], "cortex", asked.body["message"])
            return Answer(504, "<html>gateway timeout</html>")
        return None

    state.interfere = lose
    pushed = push_it()

    assert "taken back: create dashboard Cortex · Tools (cortex-tools)" in pushed.told
    assert state.inventory() == before


def test_what_cannot_be_taken_back_is_told(push_it: Push, state: State) -> None:
    """When Grafana refuses that as well, each write that stands is named with the reason."""

    def interfere(asked: Asked) -> Answer | None:
        return said(500, "read-only file system") if asked.method in ("PUT", "DELETE") else None

    state.interfere = interfere
    pushed = push_it()

    assert pushed.status == 1
    assert "still stands: create dashboard Cortex · Overview (cortex-overview), because of: " in pushed.told
    assert "4 of 4 writes stand: look at them in Grafana." in pushed.told


def test_somebody_who_saves_meanwhile_keeps_it(push_it: Push, build: Build, state: State) -> None:
    """Between the look and the write: the write is refused, the others are taken back, the edit stays."""
    push_it()
    build.dashboards["overview"] = board("overview", "Requests")
    build.dashboards["tools"] = board("tools")
    meanwhile = iter([True])

    def interfere(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.body["dashboard"]["uid"] == "cortex-tools" and next(meanwhile, False):
            edit(state)
        return None

    state.interfere = interfere
    pushed = push_it()

    assert pushed.status == 1
    assert "412: The dashboard has been changed by someone else. Somebody saved it meanwhile" in pushed.told
    assert "taken back: change dashboard Cortex · Overview (cortex-overview)" in pushed.told
    assert state.dashboards["cortex-tools"][-1]["createdBy"] == "grace"
    titles = [panel["title"] for panel in state.dashboards["cortex-overview"][-1]["dashboard"]["panels"]]
    assert titles == ["Requests", "Errors"]


def test_a_dashboard_that_appears_meanwhile_stays(push_it: Push, state: State) -> None:
    """Somebody made one under our uid between the look and the write: it is theirs."""
    theirs = iter([True])

    def interfere(asked: Asked) -> Answer | None:
        if asked.path == "/api/dashboards/db" and next(theirs, False):
            state.save(board("overview", "Mine"), "others", "mine", by="grace")
        return None

    state.interfere = interfere
    pushed = push_it()

    assert pushed.status == 1
    assert "412: The dashboard has been changed by someone else" in pushed.told
    assert [each["createdBy"] for each in state.dashboards["cortex-overview"]] == ["grace"]


def test_a_folder_in_which_somebody_worked_meanwhile_stays(push_it: Push, state: State) -> None:
    """The folder that was made a moment ago goes only when nothing is in it."""

    def interfere(asked: Asked) -> Answer | None:
        if asked.method == "PUT":
            state.save({"uid": "new", "title": "New", "panels": []}, "cortex")
            return said(400, "no")
        return None

    state.interfere = interfere
    pushed = push_it()

    assert (
        "still stands: create folder Cortex (cortex), because of: Deleting folder cortex: it is not empty"
        in pushed.told
    )
    assert set(state.dashboards) == {"theirs", "new"}


def test_an_interruption_takes_itself_back(
    push_it: Push, state: State, before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in mid-write leaves nothing half-imported."""

    def interrupted(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dashboards.grafana.Grafana.save_group", interrupted)
    pushed = push_it()
    assert pushed.status == 1
    assert "interrupted" in pushed.told
    assert state.inventory() == before


# --- the build itself -------------------------------------------------------------------------------------------------


def test_the_committed_build_is_imported(standin: Standin, state: State) -> None:
    """All of dashboards/generated passes the stand-in's checks, and a second push finds nothing to do."""
    told: list[str] = []
    assert push.run(standin.url, ADMIN_TOKEN, say=told.append) == 0, "\n".join(told)
    assert len(uids(state)) >= 10
    assert len(state.rules) >= 25
    assert push.run(standin.url, ADMIN_TOKEN, say=told.append) == 0
    assert told[-1].startswith("Nothing to do: ")


def test_without_a_build_nothing_is_asked(standin: Standin, tmp_path: Path) -> None:
    """An empty folder is told before Grafana is asked to write."""
    told: list[str] = []
    assert push.run(standin.url, ADMIN_TOKEN, say=told.append, generated=tmp_path) == 1
    assert "0 dashboards and 0 rule groups: build them first" in told[0]
    assert standin.state.writes() == []
