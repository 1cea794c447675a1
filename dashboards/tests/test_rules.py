"""The rule files, read and tested by promtool itself; the folder rules holds what each alert must and must not do."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import rules
from dashboards.alerts import ALERTS
from dashboards.rule import Alert

CASES = Path(__file__).with_name("rules")
CASE_FILES = sorted(CASES.glob("*.yaml"))
GENERATED = "../../generated/rules/"


def promtool(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What promtool says of files in a folder."""
    found = shutil.which("promtool")
    assert found, "promtool is missing: apt-get install prometheus"
    return subprocess.run(  # noqa: S603 - the arguments are ours
        [found, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=100
    )


def unit_test(case: Path, folder: Path, broken: tuple[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one file of cases against rules written now, where asked for with one expression changed."""
    for path in rules.write(folder):
        if broken:
            path.write_text(path.read_text(encoding="utf-8").replace(*broken), encoding="utf-8")
    copy = folder / f"case-{case.name}"
    copy.write_text(case.read_text(encoding="utf-8").replace(GENERATED, ""), encoding="utf-8")
    return promtool("test", "rules", copy.name, cwd=folder)


@cache
def expected(fires: bool) -> frozenset[tuple[str, str, str]]:
    """The alerts of which a case says that they fire, or stay silent: name, severity and long window."""
    found: set[tuple[str, str, str]] = set()
    for path in CASE_FILES:
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for asked in test.get("alert_rule_test", []):
                fired = {_key(asked["alertname"], alert["exp_labels"]) for alert in asked.get("exp_alerts", [])}
                every = {_key(alert.name, _labels(alert)) for alert in ALERTS if alert.name == asked["alertname"]}
                found |= fired if fires else every - fired
    return frozenset(found)


def _labels(alert: Alert) -> dict[str, str]:
    return {"severity": alert.severity.value, **alert.labels}


def _key(name: str, labels: dict[str, str]) -> tuple[str, str, str]:
    return name, labels["severity"], labels.get("sloth_window", "")


EVERY_ALERT = [_key(alert.name, _labels(alert)) for alert in ALERTS]


@pytest.mark.parametrize("scale", [1.0, 1 / 20, 1 / 300], ids=["real time", "a twentieth", "a three-hundredth"])
def test_promtool_finds_no_fault(tmp_path: Path, scale: float) -> None:
    """The files are valid in every time scale, and no two rules of the same name and labels collide."""
    names = [path.name for path in rules.write(tmp_path, scale)]
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", *names, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("SUCCESS") == len(names)


@pytest.mark.parametrize("case", CASE_FILES, ids=lambda path: path.stem)
def test_every_case_holds(tmp_path: Path, case: Path) -> None:
    """Alerts fire with these annotations, and stay silent below their threshold, before their time and at night."""
    ran = unit_test(case, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("case", "was", "becomes"),
    [
        ("streams", "> 0.1\n", "> 0.3\n"),
        ("streams", "reason=~", "reason!~"),
        ("limits", "< 0.1\n", "> 0.1\n"),
        ("harness", ">= 100", ">= 0"),
    ],
    ids=["a threshold moved", "a matcher turned", "a comparison turned", "a guard taken away"],
)
def test_a_changed_rule_is_noticed(tmp_path: Path, case: str, was: str, becomes: str) -> None:
    """The cases are not content with any rule: one that says something else fails."""
    assert any(was in rules.text(document).replace(" " * 6, "") for document in rules.documents().values())
    ran = unit_test(CASES / f"{case}.yaml", tmp_path, (was, becomes))
    assert ran.returncode != 0
    assert "FAILED" in ran.stdout + ran.stderr


@pytest.mark.parametrize("alert", EVERY_ALERT, ids=lambda key: "-".join(filter(None, key)))
def test_every_alert_has_a_case_in_which_it_fires(alert: tuple[str, str, str]) -> None:
    """No alert is untested: for each, severity and window included, a case says that it fires."""
    assert alert in expected(fires=True)


@pytest.mark.parametrize("alert", EVERY_ALERT, ids=lambda key: "-".join(filter(None, key)))
def test_every_alert_has_a_case_in_which_it_is_silent(alert: tuple[str, str, str]) -> None:
    """Nor is there one that only ever fires."""
    assert alert in expected(fires=False)


def _alerting(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_alert_is_in_a_file() -> None:
    """What alerts.py lists is what Prometheus gets, each rule once."""
    written = [_key(rule["alert"], rule["labels"]) for doc in rules.documents().values() for rule in _alerting(doc)]
    assert sorted(written) == sorted(EVERY_ALERT)


def test_a_rule_says_who_what_and_where() -> None:
    """Labels route it, annotations lead to its panel and its runbook."""
    (rule,) = [rule for rule in _alerting(rules.documents()["proxy.yaml"]) if rule["alert"] == "CortexProxyStoreDown"]
    assert rule == {
        "alert": "CortexProxyStoreDown",
        "expr": "min by (job, store) (cortex_proxy_store_up) < 1",
        "for": "1m",
        "labels": {"severity": "warning", "component": "proxy"},
        "annotations": {
            "summary": "A store does not work.",
            "description": "{{ $labels.job }}: the store of {{ $labels.store }} failed when it was last used by one "
            "process at least.",
            "runbook_url": "dashboards/runbooks/CortexProxyStoreDown.md",
            "dashboard": "cortex-limits",
            "panel": "limits/stores",
        },
    }


def test_an_installation_says_where_its_runbooks_are() -> None:
    """The prefix stands before every runbook, with or without its last slash."""
    for document in rules.documents(runbook_prefix="https://wiki.example/cortex/").values():
        for rule in _alerting(document):
            assert rule["annotations"]["runbook_url"] == f"https://wiki.example/cortex/{rule['alert']}.md"


def test_a_time_scale_divides_times_and_leaves_thresholds() -> None:
    """At a twentieth, ten minutes are thirty seconds; what is compared with stays."""
    real, fast = (
        {rule["alert"]: rule for rule in _alerting(rules.documents(scale)["proxy.yaml"])} for scale in (1.0, 1 / 20)
    )
    name = "CortexProxyRetryBudgetExhausted"
    assert "[10m])) >= 1" in real[name]["expr"]
    assert "[30s])) >= 1" in fast[name]["expr"]
    assert (real[name]["keep_firing_for"], fast[name]["keep_firing_for"]) == ("5m", "15s")
    assert (real["CortexProxyKeyOld"]["for"], fast["CortexProxyKeyOld"]["for"]) == ("10m", "30s")
    assert real["CortexProxyKeyOld"]["expr"] == fast["CortexProxyKeyOld"]["expr"]
    numbers = {name: re.findall(r"[<>]=? ([\d.]+)", rule["expr"]) for name, rule in real.items()}
    assert numbers == {name: re.findall(r"[<>]=? ([\d.]+)", rule["expr"]) for name, rule in fast.items()}


def test_a_time_scale_that_makes_times_vanish_is_refused() -> None:
    """Prometheus cannot tell less than a millisecond, and no time runs backwards."""
    with pytest.raises(ValueError, match="less than a millisecond"):
        rules.documents(1e-9)
    with pytest.raises(ValueError, match="the time scale is 0"):
        rules.documents(0)


def test_groups_have_names_of_their_own_and_one_pace() -> None:
    """Every thirty seconds; what reads a record is in its group and after it, or would see the one before."""
    groups = [group for document in rules.documents().values() for group in document["groups"]]
    assert len({group["name"] for group in groups}) == len(groups)
    assert {group["interval"] for group in groups} == {"30s"}
    for group in groups:
        recorded: set[str] = set()
        for rule in group["rules"]:
            if "record" in rule:
                assert set(re.findall(r"slo:\w+:\w+", rule["expr"])) <= recorded
                recorded.add(rule["record"])


def test_expressions_of_several_lines_are_blocks(tmp_path: Path) -> None:
    """A reader sees an expression as it is written; nothing is a reference to something above."""
    written = (rules.write(tmp_path)[1]).read_text(encoding="utf-8")
    assert "    expr: |-\n      sum by (job) (up" in written
    assert "&id" not in written
    assert "\\n" not in written


def test_what_is_written_is_what_the_documents_say(tmp_path: Path) -> None:
    """Reading the files gives the documents back."""
    assert {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in rules.write(tmp_path)} == dict(
        rules.documents()
    )
