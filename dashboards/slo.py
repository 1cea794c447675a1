"""Objectives, and the rules that follow from them: what is recorded, and when a budget burns too fast.

The recorded names and labels are Sloth's, so that its public dashboards work with them; here each series is of one job.
Shares of a day and more are made of recorded rates, which spares Prometheus reading days of every counter. They are
shares of events: a mean of five-minute shares, as Sloth's for thirty days, would weigh a failure in an empty night as
much as a hundred at noon.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from contracts.telemetry import ALL_METRICS, BUILD_INFO, Metric, MetricKind
from dashboards import thresholds
from dashboards.rule import JOB, SHARE, Alert, Over, Record, Severity, Where, increase, rate, scaled, series, total

OBJECTIVES = Path(__file__).with_name("slo.yaml")

HOURS_S = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21_600}
DAYS_S = {"1d": 86_400, "3d": 259_200, "30d": 2_592_000}
WINDOWS_S = {**HOURS_S, **DAYS_S}
"""The windows whose share of failures is recorded; the last one is the period."""

_METRICS = {metric.exposed: metric for metric in ALL_METRICS}
_STEEPEST = max(burn.factor for burn in thresholds.BURNS)


class SloError(Exception):
    """slo.yaml does not say what it must."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _of_the_catalogue(name: str, kind: MetricKind) -> Metric:
    metric = _METRICS.get(name)
    if metric is None or metric.kind is not kind:
        known = ", ".join(each.exposed for each in ALL_METRICS if each.kind is kind)
        raise ValueError(f"{name} is no {kind} of contracts/telemetry.py, which has {known}")
    return metric


class CounterSli(_Strict):
    """Events of a counter. `bad` narrows `counted` down: it is a part of it."""

    metric: str
    counted: dict[str, tuple[str, ...]]
    bad: dict[str, tuple[str, ...]]

    @model_validator(mode="after")
    def _bad_is_a_part_of_what_is_counted(self) -> CounterSli:
        metric = _of_the_catalogue(self.metric, MetricKind.COUNTER)
        for where in (self.counted, self.bad):
            series(metric, where)
        for label, values in self.bad.items():
            strange = set(values) - set(self.counted.get(label, values))
            if strange:
                raise ValueError(f"bad has {label} {', '.join(sorted(strange))}, which is not counted")
        if not self.bad or self.counted | self.bad == self.counted:
            raise ValueError("bad must be less than all that is counted, or every event is a failure")
        return self

    def bad_rate(self, window: str) -> str:
        """Failures a second, by job."""
        return rate(_METRICS[self.metric], window, self._bad)

    def total_rate(self, window: str) -> str:
        """Events a second, by job."""
        return rate(_METRICS[self.metric], window, self.counted)

    def bad_count(self, window: str) -> str:
        """Failures, by job."""
        return increase(_METRICS[self.metric], window, self._bad)

    @property
    def _bad(self) -> Where:
        return self.counted | self.bad


class HistogramSli(_Strict):
    """Measurements of a histogram; bad are those beyond `within_s`, which is one of its bounds."""

    metric: str
    within_s: float

    @field_validator("metric")
    @classmethod
    def _is_a_histogram(cls, name: str) -> str:
        _of_the_catalogue(name, MetricKind.HISTOGRAM)
        return name

    @model_validator(mode="after")
    def _within_is_a_bound(self) -> HistogramSli:
        bounds = _METRICS[self.metric].buckets
        if self.within_s not in bounds:
            raise ValueError(
                f"within_s is {self.within_s:g}, which is no bucket bound of {self.metric}, so that no count could be "
                f"had; its bounds are {', '.join(f'{bound:g}' for bound in bounds)}"
            )
        return self

    def bad_rate(self, window: str) -> str:
        """Measurements a second beyond the bound, by job."""
        metric = _METRICS[self.metric]
        return f"({self.total_rate(window)} - {rate(metric, window, self._within, suffix='_bucket')})"

    def total_rate(self, window: str) -> str:
        """Measurements a second, by job."""
        return rate(_METRICS[self.metric], window, suffix="_count")

    def bad_count(self, window: str) -> str:
        """Measurements beyond the bound, by job."""
        metric = _METRICS[self.metric]
        every = increase(metric, window, suffix="_count")
        return f"({every} - {increase(metric, window, self._within, suffix='_bucket')})"

    @property
    def _within(self) -> Where:
        return {"le": (f"{self.within_s:g}",)}


class Objective(_Strict):
    """One promise: so many per cent of events are good."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    objective: Annotated[float, Field(gt=0, lt=100)]
    alert: Annotated[str, Field(pattern=r"^CortexProxy[A-Za-z]+BudgetBurn$")]
    about: str
    counter: CounterSli | None = None
    histogram: HistogramSli | None = None

    @field_validator("objective")
    @classmethod
    def _can_burn_as_fast_as_the_alert(cls, objective: float) -> float:
        if (100 - objective) / 100 * _STEEPEST >= 1:
            raise ValueError(
                f"{objective:g} % leaves a budget that cannot burn {_STEEPEST:g} times too fast even when everything "
                f"fails; more than {100 - 100 / _STEEPEST:.4g} % is needed"
            )
        return objective

    @model_validator(mode="after")
    def _has_one_indicator(self) -> Objective:
        if (self.counter is None) == (self.histogram is None):
            raise ValueError("needs counter or histogram, one of them: what is counted, and what of it is bad")
        return self

    @property
    def sli(self) -> CounterSli | HistogramSli:
        """What is counted."""
        found = self.counter or self.histogram
        assert found is not None, "checked when it was read"
        return found

    @property
    def ratio(self) -> float:
        """The share of events that are to be good."""
        return round(self.objective / 100, 8)

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round((100 - self.objective) / 100, 8)


class Slos(_Strict):
    """The file."""

    service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    period_days: Literal[30]
    objectives: tuple[Objective, ...]

    @field_validator("objectives")
    @classmethod
    def _are_there_and_differ(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        if not objectives:
            raise ValueError("there is none; one promise at least is needed")
        for what, names in (("name", [o.name for o in objectives]), ("alert", [o.alert for o in objectives])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"{what} {', '.join(twice)} is there twice; one objective's series would hide another's"
                )
        return objectives


def load(path: Path = OBJECTIVES) -> Slos:
    """What the file promises.   Raises: SloError with every fault found in it."""
    try:
        return Slos.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SloError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SloError(f"{path}: is no YAML: {error}") from error
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise SloError("\n".join(faults)) from error


# --- what is recorded


def labels(slos: Slos, objective: Objective) -> dict[str, str]:
    """The labels, by Sloth's names, that an objective's series have besides their job."""
    return {
        "sloth_id": f"{slos.service}-{objective.name}",
        "sloth_service": slos.service,
        "sloth_slo": objective.name,
    }


def _recorded(slos: Slos, objective: Objective, name: str) -> str:
    return f'{name}{{sloth_id="{slos.service}-{objective.name}"}}'


def records(slos: Slos, objective: Objective, scale: float = 1.0) -> list[Record]:
    """All that is recorded of an objective, in an order in which nothing is read before it is written."""
    over = scaled(scale)
    return [
        *_rates(slos, objective, over),
        *(_of_counters(slos, objective, name, over) for name in HOURS_S),
        *(_of_rates(slos, objective, name, over) for name in DAYS_S),
        *_standing(slos, objective),
    ]


def _rates(slos: Slos, objective: Objective, over: Over) -> list[Record]:
    window, sli = over(WINDOWS_S["5m"]), objective.sli
    return [
        Record("slo:sli_error:rate5m", sli.bad_rate(window), labels(slos, objective)),
        Record("slo:sli_total:rate5m", sli.total_rate(window), labels(slos, objective)),
    ]


def _of_counters(slos: Slos, objective: Objective, name: str, over: Over) -> Record:
    window, sli = over(WINDOWS_S[name]), objective.sli
    return _share(slos, objective, name, sli.bad_rate(window), sli.total_rate(window))


def _of_rates(slos: Slos, objective: Objective, name: str, over: Over) -> Record:
    window = over(WINDOWS_S[name])
    bad, every = (
        f"sum_over_time({_recorded(slos, objective, f'slo:sli_{part}:rate5m')}[{window}])"
        for part in ("error", "total")
    )
    return _share(slos, objective, name, bad, every)


def _share(slos: Slos, objective: Objective, name: str, bad: str, every: str) -> Record:
    """The share of bad events. In a window without any there is none: 0/0 is no number, and spoils every sum."""
    return Record(
        f"slo:sli_error:ratio_rate{name}",
        f"{bad}\n/\n({every} > 0)",
        {**labels(slos, objective), "sloth_window": name},
    )


def _standing(slos: Slos, objective: Objective) -> list[Record]:
    """The objective itself, by job, and how its budget stands."""
    common = labels(slos, objective)
    jobs = total(series(BUILD_INFO), how="group")
    budget = _recorded(slos, objective, "slo:error_budget:ratio")
    joined = "/ on (job, sloth_id, sloth_service, sloth_slo)"

    def of_the_budget(window: str) -> str:
        return f"{_recorded(slos, objective, f'slo:sli_error:ratio_rate{window}')}\n{joined}\n{budget}"

    return [
        Record("slo:objective:ratio", f"{jobs} * {objective.ratio:g}", common),
        Record("slo:error_budget:ratio", f"{jobs} * {objective.budget:g}", common),
        Record("slo:time_period:days", f"{jobs} * {slos.period_days}", common),
        Record("slo:current_burn_rate:ratio", of_the_budget("5m"), common),
        Record("slo:period_burn_rate:ratio", of_the_budget(f"{slos.period_days}d"), common),
        Record(
            "slo:period_error_budget_remaining:ratio",
            f"1 - {_recorded(slos, objective, 'slo:period_burn_rate:ratio')}",
            common,
        ),
        Record("sloth_slo_info", jobs, {**common, "sloth_objective": f"{objective.objective:g}"}),
    ]


# --- when it is an alert


def burn_alerts(slos: Slos, objective: Objective, scale: float = 1.0) -> list[Alert]:
    """One alert for each pair of windows; each also waits for enough failures to mean something."""
    return [_burn_alert(slos, objective, burn, scaled(scale)) for burn in thresholds.BURNS]


def _burn_alert(slos: Slos, objective: Objective, burn: thresholds.Burn, over: Over) -> Alert:
    limit = f"{burn.factor:g} * {objective.budget:g}"
    long, short = (
        f"{_recorded(slos, objective, f'slo:sli_error:ratio_rate{window}')} > {limit}"
        for window in (burn.long, burn.short)
    )
    enough = f"{objective.sli.bad_count(over(WINDOWS_S[burn.long]))} >= {thresholds.BURN_LEAST}"
    return Alert(
        name=objective.alert,
        severity=Severity(burn.severity),
        held=burn,
        expr=f"{long}\nand on (job, sloth_id)\n{short}\nand on (job)\n{enough}",
        summary=f"The error budget of {objective.name} burns too fast.",
        description=(
            f"{JOB}: {SHARE} failed in the last {over(WINDOWS_S[burn.long])}, and it goes on; {objective.name} allows "
            f"{objective.budget * 100:g}%. At {burn.factor:g} times that, the budget of {slos.period_days} days is "
            f"gone in {slos.period_days / burn.factor:.2g} days."
        ),
        panel="overview/burn-rate",
        labels={
            **labels(slos, objective),
            "sloth_severity": "page" if burn.severity == "critical" else "ticket",
            "sloth_window": burn.long,
        },
    )
