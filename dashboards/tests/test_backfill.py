"""The past, written with promtool and asked of a real Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards import backfill, rules, thresholds
from dashboards.demo import HELD_S, Demo, running
from dashboards.history import History, story
from dashboards.preview.ask import Span

STEP_S = 30
DAYS = 0.15


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A few hours with everything in them."""
    with running(tmp_path_factory.mktemp("demo"), days=DAYS, step_s=STEP_S) as started:
        yield started


@pytest.fixture(scope="module")
def span(demo: Demo) -> Span:
    """All of it."""
    told = demo.history.told
    return Span(demo.prometheus_url, told.start_s, told.end_s, STEP_S, points=10_000)


def test_every_sample_is_the_history_s(demo: Demo, span: Span) -> None:
    """The same seed tells the same: each value of a counter is found at its time."""
    past = History(demo.history.told, STEP_S, demo.history.seed)
    (found,) = span.over('cortex_proxy_stream_end_total{reason="completed"}')
    values = dict(found.points)
    while past.at_s + STEP_S <= past.told.end_s:
        past.advance()
        name = 'cortex_proxy_stream_end_total{job="rehearsal",instance="made-up:9464",reason="completed"}'
        assert values[past.at_s] == dict(past.rows())[name]


def test_recorded_rules_are_there_to_the_last(span: Span) -> None:
    """Those that read others as well."""
    names = {rule["record"] for stage in backfill.stages(STEP_S)[:-1] for rule in stage["groups"][0]["rules"]}
    found = {series.labels["__name__"] for series in span.over('{__name__=~"slo:.+|sloth_.+"}')}
    assert found == names


def test_alerts_have_left_what_they_would_have(demo: Demo, span: Span) -> None:
    """The breaker's fires within the incident or as its window ends, and nothing says that the proxy is down."""
    fired = {series.labels["alertname"]: series for series in span.over('ALERTS{alertstate="firing"}')}
    incident = demo.history.told.incident
    times = [at_s for at_s, _ in fired["CortexProxyBreakerOpen"].points]
    assert incident.start_s < min(times)
    assert max(times) < incident.end_s + thresholds.BREAKER_OPEN.window_s + 2 * STEP_S + HELD_S
    assert fired["CortexProxyBreakerOpen"].labels["severity"] == "warning"
    assert "CortexProxyDown" not in fired


def test_a_stage_reads_nothing_that_comes_with_it_or_later() -> None:
    """promtool sees only what was there before it began."""
    stages = [stage["groups"][0]["rules"] for stage in backfill.stages(STEP_S)]
    for index, stage in enumerate(stages[:-1]):
        later = {rule["record"] for each in stages[index:-1] for rule in each}
        assert not [rule["record"] for rule in stage if any(name in rule["expr"].split() for name in later)]
    assert len(stages) > 2


def test_no_rule_is_left_out() -> None:
    """Each recording rule is in one stage, and each alert in the last."""
    groups = [group for document in rules.documents().values() for group in document["groups"]]
    every = [rule for group in groups for rule in group["rules"]]
    stages = [stage["groups"][0]["rules"] for stage in backfill.stages(STEP_S)]
    assert sum(map(len, stages)) == len(every)
    assert {rule["labels"]["alertname"] for rule in stages[-1]} == {rule["alert"] for rule in every if "alert" in rule}


def test_samples_that_promtool_refuses_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its words; and no file is left."""
    past = History(story(int(time.time()) // 60 * 60, 0.01), 60)
    monkeypatch.setattr(backfill, "written", lambda _: "many")
    with pytest.raises(backfill.BackfillError, match="promtool did not take the samples"):
        backfill.samples(past, tmp_path)
    assert not list(tmp_path.glob("*.om"))


def test_without_promtool_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    past = History(story(int(time.time()) // 60 * 60, 0.01), 60)
    with pytest.raises(backfill.BackfillError, match="apt-get install prometheus"):
        backfill.samples(past, tmp_path)


def test_rules_that_cannot_be_recorded_are_an_error(tmp_path: Path) -> None:
    """Here for want of a Prometheus."""
    with pytest.raises(backfill.BackfillError, match="did not record"):
        backfill.recordings(backfill.stages(STEP_S)[0], tmp_path, "http://127.0.0.1:9", 0, 3600)
