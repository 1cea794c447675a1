"""The ledger: made-up series are those of the catalogue, and add up."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from contracts import telemetry as catalogue
from dashboards.ledger import Ledger, LedgerError, Spread, written

_LOADED = MappingProxyType({"model": ("small",), "version": ("1",), "scenario": ("calm",)})


@pytest.fixture
def ledger() -> Ledger:
    return Ledger({"job": "j"}, _LOADED)


def test_a_counter_grows_under_the_name_that_prometheus_has_for_it(ledger: Ledger) -> None:
    """What is counted twice is added up, with the common labels first."""
    for _ in range(2):
        ledger.add(catalogue.STREAM_ENDS, 3, {"reason": "completed"})
    assert dict(ledger.rows()) == {'cortex_proxy_stream_end_total{job="j",reason="completed"}': 6}


def test_a_counter_does_not_shrink(ledger: Ledger) -> None:
    """A negative amount is refused."""
    with pytest.raises(LedgerError, match="counters only grow"):
        ledger.add(catalogue.STREAM_STALLS, -1)


def test_a_gauge_is_what_it_was_last_set_to(ledger: Ledger) -> None:
    """Nothing of an earlier value is left."""
    for value in (5, 2):
        ledger.put(catalogue.STREAMS_CAPACITY, value)
    assert list(dict(ledger.rows()).values()) == [2]


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        pytest.param(catalogue.STREAM_ENDS, {"reason": "bored"}, id="a value outside the list"),
        pytest.param(catalogue.STREAM_ENDS, {"cause": "completed"}, id="a label that is not there"),
        pytest.param(catalogue.STREAM_ENDS, {}, id="a label that is missing"),
        pytest.param(catalogue.COST, {"model": "huge"}, id="a loaded value that was not loaded"),
    ],
)
def test_only_the_catalogue_s_labels_are_taken(
    ledger: Ledger, metric: catalogue.Metric, labels: dict[str, str]
) -> None:
    """What the proxy could not show cannot be made up."""
    with pytest.raises(LedgerError):
        ledger.add(metric, 1, labels)


def test_what_shows_from_the_start_does(ledger: Ledger) -> None:
    """Every series that the catalogue has before the first event is there, at zero."""
    ledger.begin((catalogue.STREAM_ENDS, catalogue.TOKENS))
    wanted = sum(len(list(catalogue.first_series(each, _LOADED))) for each in (catalogue.STREAM_ENDS, catalogue.TOKENS))
    assert [value for _, value in ledger.rows()] == [0] * wanted


def test_buckets_are_cumulative_and_the_last_is_the_count(ledger: Ledger) -> None:
    """However often measurements come in ones, none is lost and no bucket is above the next."""
    for _ in range(7):
        ledger.measure(catalogue.STREAM_FIRST_TOKEN, 1, Spread(3.0, 0.5))
    values = [value for name, value in ledger.rows() if "_bucket" in name]
    assert values == sorted(values)
    assert values[-1] == 7
    assert dict(ledger.rows())['cortex_proxy_stream_first_token_seconds_count{job="j"}'] == 7


def test_an_empty_label_is_left_out(ledger: Ledger) -> None:
    """As Prometheus does it."""
    labels = {"gen_ai.tool.name": "sql", "error.type": ""}
    ledger.measure(catalogue.TOOL_DURATION, 1, Spread(1.0, 0.5), labels)
    assert not any("error_type" in name for name, _ in ledger.rows())


def test_half_of_a_spread_is_below_its_median() -> None:
    """To within the steps that medians come in."""
    (share,) = Spread(2.5, 0.4).shares((2.5,))
    assert share == pytest.approx(0.5, abs=0.03)


def test_nothing_of_a_spread_is_above_its_most() -> None:
    """Its last share is all of it."""
    assert Spread(0.9, 0.4, most=1.0).shares((0.5, 1.0))[1] == 1.0


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (0.25, "0.25"), (1e-9, "1e-09"), (123456789012, "123456789012")])
def test_values_are_written_without_loss(value: float, text: str) -> None:
    """A whole number stays whole, however large."""
    assert written(value) == text
