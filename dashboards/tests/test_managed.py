"""The Grafana-managed form agrees with the rules, rule by rule."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from dashboards import managed, rules
from dashboards.alerts import ALERTS
from dashboards.rule import panel_id

Document = dict[str, Any]


def in_order(documents: dict[str, Document], key: str) -> list[tuple[str, Document, Document]]:
    """Every alert with its file and group, in the order of the files."""
    return [
        (name, group, rule)
        for name, document in documents.items()
        for group in document["groups"]
        for rule in group["rules"]
        if key in rule
    ]


PAIRS = list(zip(in_order(rules.documents(), "alert"), in_order(managed.documents(), "title"), strict=True))
PAIRED = pytest.mark.parametrize(("source", "derived"), PAIRS, ids=[derived[2]["title"] for _, derived in PAIRS])
Found = tuple[str, Document, Document]


@PAIRED
def test_it_is_in_the_same_file_and_group(source: Found, derived: Found) -> None:
    """Who knows one form finds the other, and both look equally often."""
    assert source[0] == derived[0]
    assert source[1]["name"] == derived[1]["name"]
    assert source[1]["interval"] == derived[1]["interval"]


@PAIRED
def test_it_asks_the_same(source: Found, derived: Found) -> None:
    """The expression is the rule's own, asked at one moment; whatever it answers is an alert."""
    rule, (asked, condition) = derived[2], derived[2]["data"]
    assert asked["model"]["expr"] == source[2]["expr"]
    assert (asked["model"]["instant"], asked["model"]["range"]) == (True, False)
    assert asked["refId"] == asked["model"]["refId"] == "A"
    assert rule["condition"] == condition["refId"] == condition["model"]["refId"] == "B"
    assert condition["datasourceUid"] == "__expr__"
    assert condition["model"]["expression"] == "is_number($A) || is_nan($A) || is_inf($A)"


@PAIRED
def test_it_waits_as_long(source: Found, derived: Found) -> None:
    """Before it fires, and after it has."""
    assert derived[2]["for"] == source[2].get("for", "0s")
    assert derived[2]["keepFiringFor"] == source[2].get("keep_firing_for", "0s")


@PAIRED
def test_it_is_routed_alike(source: Found, derived: Found) -> None:
    """The labels are the same; the title is the name, with what tells rules of one name apart."""
    assert derived[2]["labels"] == source[2]["labels"]
    assert derived[2]["title"].split(" (")[0] == source[2]["alert"]


@PAIRED
def test_it_says_the_same(source: Found, derived: Found) -> None:
    """Annotations differ only in how a value is named, and in the two that link Grafana's panel."""
    said = dict(derived[2]["annotations"])
    assert said.pop("__dashboardUid__") == source[2]["annotations"]["dashboard"]
    assert said.pop("__panelId__") == str(panel_id(source[2]["annotations"]["panel"]))
    assert {name: text.replace("$values.A.Value", "$value") for name, text in said.items()} == source[2]["annotations"]
    assert not re.search(r"\$value\b(?!s)", " ".join(said.values()))
    assert "$$" not in " ".join(said.values()), "annotations are taken as they are, so that two would stay two"


@PAIRED
def test_no_answer_is_health_and_no_prometheus_is_not(source: Found, derived: Found) -> None:
    """An expression keeps only what is wrong; a query that fails is told."""
    assert derived[2]["noDataState"] == "OK"
    assert derived[2]["execErrState"] == "Error"
    assert derived[2]["isPaused"] is False


def test_every_alert_is_derived_and_no_record() -> None:
    """Recording stays with Prometheus."""
    assert len(PAIRS) == len(ALERTS)
    assert "record" not in {key for _, derived in PAIRS for key in derived[2]}


def test_titles_and_uids_are_unique_and_grafana_takes_them() -> None:
    """A uid has forty characters at most; a title is unique in its folder."""
    derived = [rule for _, _, rule in in_order(managed.documents(), "title")]
    for key in ("uid", "title"):
        assert len({rule[key] for rule in derived}) == len(derived)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", rule["uid"]) for rule in derived)


def test_uids_stay() -> None:
    """An import tomorrow finds the rule of today: its uid comes from its title alone."""
    uids = {rule["title"]: rule["uid"] for _, _, rule in in_order(managed.documents(), "title")}
    assert uids["CortexProxyModeMixed"] == "cortex-157c6134373229ab"


def test_intervals_are_grafanas() -> None:
    """Grafana looks every ten seconds and refuses what is no multiple of it."""
    for document in managed.documents().values():
        for group in document["groups"]:
            assert re.fullmatch(r"\d+m|\d*0s", group["interval"])


def test_an_installation_names_its_data_source_folder_and_runbooks() -> None:
    """A rule takes no dashboard variable, so that these three are told to the writer."""
    document = managed.documents("other-uid", "Night shift", "https://wiki.example")["proxy.yaml"]
    assert {group["folder"] for group in document["groups"]} == {"Night shift"}
    for group in document["groups"]:
        for rule in group["rules"]:
            assert rule["data"][0]["datasourceUid"] == rule["data"][0]["model"]["datasource"]["uid"] == "other-uid"
            assert rule["annotations"]["runbook_url"].startswith("https://wiki.example/Cortex")


def test_a_file_is_what_grafana_provisions() -> None:
    """Each says the version of its format, and reads back as it was."""
    for document in managed.documents().values():
        assert yaml.safe_load(rules.text(document)) == document
        assert document["apiVersion"] == 1
