"""A stand-in for Grafana, a small build to import, and the import itself with what it says."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import push
from dashboards.tests.grafana import ADMIN_TOKEN, Standin, State, running

REAL = ("GRAFANA_URL", "GRAFANA_TOKEN")
collect_ignore = [] if all(os.environ.get(name) for name in REAL) else ["test_real.py"]
"""A real Grafana is written to only where one is named; otherwise that file is none of the suite."""


@pytest.fixture
def state() -> State:
    """A Grafana with a data source of each kind, and a dashboard and a rule that are somebody's own."""
    known = State()
    for kind in ("prometheus", "loki", "tempo"):
        known.add_source(kind, kind.title(), f"uid-{kind}")
    known.folders["others"] = {"id": 1, "uid": "others", "title": "Others", "version": 1}
    known.save({"uid": "theirs", "title": "Theirs", "tags": ["cortex-harness"], "panels": []}, "others", "mine")
    return known


@pytest.fixture
def standin(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """That Grafana, listening; no proxy of the environment is asked for it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running(state) as started:
        yield started


@dataclass
class Build:
    """A folder as dashboards/build.py writes it."""

    folder: Path
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> Path:
        """The folder, with what is in `dashboards` and `groups` and nothing else."""
        for name in ("dashboards", "managed"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            for old in (self.folder / name).iterdir():
                old.unlink()
        for uid, document in self.dashboards.items():
            (self.folder / "dashboards" / f"{uid}.json").write_text(json.dumps(document))
        document = {"apiVersion": 1, "groups": list(self.groups.values())}
        (self.folder / "managed" / "proxy.yaml").write_text(yaml.safe_dump(document))
        return self.folder


def board(slug: str, *panels: str) -> dict[str, Any]:
    """A dashboard of ours."""
    return {
        "uid": f"cortex-{slug}",
        "title": f"Cortex · {slug.title()}",
        "tags": ["cortex-harness"],
        "editable": False,
        "panels": [{"id": number, "title": title} for number, title in enumerate(panels, 1)],
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {"name": "loki_datasource", "type": "datasource", "query": "loki"},
                {"name": "job", "type": "query", "query": "label_values(cortex_proxy_build_info, job)"},
            ]
        },
    }


def rule(name: str, expr: str = "up == 0") -> dict[str, Any]:
    """An alert rule in the form of provisioning files."""
    return {
        "uid": f"cortex-{name.lower()}",
        "title": name,
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": "prometheus",
                "model": {"refId": "A", "datasource": {"type": "prometheus", "uid": "prometheus"}, "expr": expr},
            },
            {
                "refId": "B",
                "relativeTimeRange": {"from": 0, "to": 0},
                "datasourceUid": "__expr__",
                "model": {"refId": "B", "type": "math", "expression": "is_number($A)"},
            },
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": "60s",
        "keepFiringFor": "0s",
        "missing_series_evals_to_resolve": 1,
        "annotations": {
            "summary": "It is down.",
            "runbook_url": f"dashboards/runbooks/{name}.md",
            "__dashboardUid__": "cortex-overview",
            "__panelId__": "1",
        },
        "labels": {"severity": "critical"},
        "isPaused": False,
    }


def group(name: str, *rules: dict[str, Any], interval: str = "30s") -> dict[str, Any]:
    """A rule group in the form of provisioning files."""
    return {"orgId": 1, "name": name, "folder": "Cortex", "interval": interval, "rules": list(rules)}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Two dashboards and two groups of alert rules."""
    return Build(
        tmp_path / "generated",
        {"overview": board("overview", "Requests", "Errors"), "tools": board("tools", "Tool calls")},
        {
            "causes": group("causes", rule("CortexProxyDown"), rule("CortexProxyBreakerOpen", "cortex_breaker > 0")),
            "suites": group("suites", rule("CortexMockDown")),
        },
    )


@dataclass(frozen=True)
class Pushed:
    """How an import ended and what it said."""

    status: int
    told: str


Push = Callable[..., Pushed]


@pytest.fixture
def push_it(standin: Standin, build: Build) -> Push:
    """Import the build, as it is now, into the stand-in."""

    def pushed(token: str = ADMIN_TOKEN, url: str | None = None, **options: Any) -> Pushed:
        told: list[str] = []
        status = push.run(
            standin.url if url is None else url,
            token,
            options=push.Options(**options),
            say=told.append,
            generated=build.write(),
        )
        return Pushed(status, "\n".join(told))

    return pushed


@pytest.fixture
def before(state: State) -> dict[str, Any]:
    """What was there before the test began."""
    return copy.deepcopy(state.inventory())
