"""The stand-in for Grafana refuses what Grafana refuses: a push that passes it has been checked."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from dashboards.tests.grafana import ADMIN_TOKEN, VIEWER_TOKEN, Standin, State, running

GROUP = "/api/v1/provisioning/folder/f/rule-groups/g"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def standin() -> Iterator[Standin]:
    """With a folder, a data source and a dashboard in its second version."""
    state = State()
    state.add_source("prometheus", "Prometheus", "p")
    state.folders["f"] = {"id": 1, "uid": "f", "title": "F", "version": 1}
    for _ in range(2):
        state.save(board(), "f", "saved")
    with running(state) as started:
        yield started


def board(**fields: Any) -> dict[str, Any]:
    """A dashboard."""
    return {"uid": "d", "title": "D", "panels": [{"id": 1}], **fields}


def rule(**fields: Any) -> dict[str, Any]:
    """A rule that Grafana takes."""
    query = {"refId": "A", "datasourceUid": "p", "model": {}}
    states = {"noDataState": "OK", "execErrState": "Error", "for": "1m"}
    return {"uid": "r", "title": "R", "condition": "A", "data": [query], **states, **fields}


def group(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A rule group."""
    return {"title": "g", "folderUid": "f", "interval": 30, "rules": list(rules), **fields}


def ask(standin: Standin, method: str, path: str, body: Any = None, token: str = ADMIN_TOKEN) -> tuple[int, Any]:
    """Status and body of one request."""
    sent = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(standin.url + path, sent, headers, method=method)  # noqa: S310 - loopback
    try:
        with DIRECT.open(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"dashboard": board(title="")}, "title cannot be empty"),
        ({"dashboard": board(uid="ä")}, "illegal characters"),
        ({"dashboard": board(uid="x" * 41)}, "illegal characters"),
        ({"dashboard": board(id=7)}, "an id of another Grafana"),
        ({"dashboard": board(panels=[{"id": 1}, {"id": 1}])}, "share an id"),
        ({"dashboard": board(uid="new"), "folderUid": "nowhere"}, "folder not found"),
        ({"dashboard": board(), "message": "x" * 501}, "message too long"),
        ({"dashboard": board(), "foldrUid": "f"}, "unknown fields ['foldrUid']"),
    ],
    ids=["title", "uid", "long-uid", "id", "panels", "folder", "message", "unknown"],
)
def test_a_dashboard_that_grafana_would_refuse(standin: Standin, body: dict[str, Any], words: str) -> None:
    """400 with the reason, and no new version."""
    status, answer = ask(standin, "POST", "/api/dashboards/db", body)
    assert status == 400
    assert words in answer["message"]
    assert len(standin.state.dashboards["d"]) == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"version": 2}, 200), ({"version": 1}, 412), ({}, 412)],
    ids=["the-latest", "an-older", "none"],
)
def test_versions_conflict(standin: Standin, fields: dict[str, Any], status: int) -> None:
    """Only who has seen the latest version replaces it, or who says so."""
    body = {"dashboard": board(**fields), "folderUid": "f"}
    assert ask(standin, "POST", "/api/dashboards/db", body)[0] == status
    assert ask(standin, "POST", "/api/dashboards/db", body | {"overwrite": True})[0] == 200


def test_what_comes_from_a_file_stays(standin: Standin) -> None:
    """It is neither saved nor deleted, overwriting or not."""
    standin.state.provisioned["d"] = "d.json"
    body = {"dashboard": board(), "overwrite": True}
    assert ask(standin, "POST", "/api/dashboards/db", body)[1] == {"message": "Cannot save provisioned dashboard"}
    assert ask(standin, "DELETE", "/api/dashboards/uid/d")[0] == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (group(rule(uid="")), "illegal characters"),
        (group(rule(title="x" * 191)), "longer than 190"),
        (group(rule(condition="B")), "condition B does not exist"),
        (group(rule(data=[])), "does not exist"),
        (group(rule(data=[{"refId": "A", "datasourceUid": "q", "model": {}}])), "data source not found: ['q']"),
        (group(rule(noDataState="Nothing")), "unknown no data state"),
        (group(rule(execErrState="Oops")), "execution error state"),
        (group(rule(**{"for": "5 minutes"})), "not a valid duration"),
        (group(rule(labels={"a": 1})), "are text"),
        (group(rule(annotations={"__panelId__": "1"})), "a panel goes with a dashboard"),
        (group(rule(keepFiringFor="1m")), "unknown fields ['keepFiringFor']"),
        (group(rule(), rule(uid="s")), "should be unique"),
        (group(rule(), interval=15), "divided exactly by scheduler interval"),
        (group(rule(), interval="30s"), "divided exactly by scheduler interval"),
        (group(rule(), name="g"), "unknown fields ['name']"),
    ],
    ids=lambda value: value.split(" [")[0].replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_group_that_grafana_would_refuse(standin: Standin, body: dict[str, Any], words: str) -> None:
    """400 with the reason, and no rule."""
    status, answer = ask(standin, "PUT", GROUP, body)
    assert status == 400
    assert words in answer["message"]
    assert standin.state.rules == {}


def test_a_group_is_written_as_a_whole(standin: Standin) -> None:
    """What it no longer lists is gone, and Grafana's own defaults are in what it lists."""
    assert ask(standin, "PUT", GROUP, group(rule(), rule(uid="s", title="S")))[0] == 200
    assert ask(standin, "PUT", GROUP, group(rule(**{"for": "2m"})))[0] == 200
    status, kept = ask(standin, "GET", GROUP)
    assert (status, kept["interval"], [each["uid"] for each in kept["rules"]]) == (200, 30, ["r"])
    assert (kept["rules"][0]["for"], kept["rules"][0]["provenance"]) == ("2m0s", "api")
    assert kept["rules"][0]["data"][0]["model"] == {"intervalMs": 1000, "maxDataPoints": 43200}


def test_rules_from_files_stay(standin: Standin) -> None:
    """The API neither changes nor deletes them."""
    ask(standin, "PUT", GROUP, group(rule()))
    standin.state.rules["r"]["provenance"] = "file"
    assert ask(standin, "PUT", GROUP, group(rule()))[0] == 409
    assert ask(standin, "DELETE", "/api/v1/provisioning/alert-rules/r")[0] == 403


def test_a_folder_with_rules_is_not_deleted_by_mistake(standin: Standin) -> None:
    """Only when told so; then its dashboards go as well."""
    ask(standin, "PUT", GROUP, group(rule()))
    assert ask(standin, "DELETE", "/api/folders/f")[0] == 400
    assert ask(standin, "DELETE", "/api/folders/f?forceDeleteRules=true")[0] == 200
    assert standin.state.dashboards == {}


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "/api/health", "", 200),
        ("GET", "/api/search", "", 401),
        ("GET", "/api/search", "glsa_nobody", 401),
        ("GET", "/api/dashboards/uid/d", VIEWER_TOKEN, 200),
        ("DELETE", "/api/dashboards/uid/d", VIEWER_TOKEN, 403),
        ("GET", "/api/dashboards/uid/absent", ADMIN_TOKEN, 404),
        ("GET", "/api/folders/absent", ADMIN_TOKEN, 404),
        ("GET", GROUP, ADMIN_TOKEN, 404),
        ("GET", "/api/no/such", ADMIN_TOKEN, 404),
    ],
)
def test_who_may_ask_what(standin: Standin, method: str, path: str, token: str, status: int) -> None:
    """Nobody without a token but health; nothing without the permission; nothing that is not there."""
    assert ask(standin, method, path, token=token)[0] == status
