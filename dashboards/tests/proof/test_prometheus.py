"""A real Prometheus and Alertmanager have our rules, scrape what they are told, and say what is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from dashboards.proof import props
from dashboards.proof.prometheus import Monitor, PrometheusError, running


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    """Both, with our rules."""
    with running(tmp_path_factory.mktemp("monitor")) as started:
        yield started


def test_our_rules_are_loaded_and_healthy(monitor: Monitor) -> None:
    """Each rule is there, none in error."""
    loaded = monitor.rules()
    assert {"CortexProxyDown", "slo:objective:ratio"} <= {str(rule["name"]) for rule in loaded}
    assert [rule["name"] for rule in loaded if rule["health"] == "err"] == []


def test_what_is_watched_is_scraped_until_it_is_forgotten(monitor: Monitor) -> None:
    """A target shows under its job, with what it exposes."""
    with props.page(props.exposition({"made_up": {'a="b"': 3}})) as address:
        monitor.watch("x", [("cortex-mock-x", address)])
        query = 'made_up{job="cortex-mock-x"}'
        deadline_s = time.monotonic() + 20
        while not (found := monitor.instant(query, time.time())):
            assert time.monotonic() < deadline_s, "not scraped"
            time.sleep(0.1)
    assert [(each.labels["a"], each.values) for each in found] == [("b", (3.0,))]
    now_s = time.time()
    assert monitor.over(query, now_s - 5, now_s)[0].values[-1] == 3
    assert monitor.matching(query, now_s - 60, now_s)[0]["job"] == "cortex-mock-x"
    monitor.forget("x")
    assert json.loads(monitor.targets.read_text(encoding="utf-8")) == []


def test_a_query_that_is_wrong_is_told_with_its_text(monitor: Monitor) -> None:
    """The message holds the query and what Prometheus says of it."""
    with pytest.raises(PrometheusError, match=r"(?s)sum by \(.*400.*parse error"):
        monitor.instant("sum by (", time.time())
