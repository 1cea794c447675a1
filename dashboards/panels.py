"""The house's dashboards: what a panel must say of itself, how it looks, and how it becomes Grafana's Classic JSON.

    Board > Row > Panel > Target        frozen, and the same for every dashboard
    classic(board)                      the JSON that Grafana 10 to 13 imports, written by grafana-foundation-sdk

A panel's address is `<dashboard>/<title as a slug>`; scenarios, alerts and runbooks name panels so. Its id comes from
the address, so that links to it outlive panels that are moved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    statetimeline,
    table,
    tempo,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import tempo as tempo_models
from grafana_foundation_sdk.models import text as text_models

from contracts.telemetry import BREAKER_STATE, BREAKER_STATES, BUILD_INFO, MOCK_REQUESTS, START_TIME, Metric
from dashboards.promql import CHOSEN, worst
from dashboards.rule import panel_id

TAG = "cortex-harness"
COLUMNS = 24
NO_TRAFFIC = "no traffic"
GOOD, WARN, BAD, CALM = "green", "orange", "red", "blue"

Json: TypeAlias = dict[str, Any]


class PanelError(ValueError):
    """A dashboard that cannot be built: what is missing or said twice."""


class Kind(StrEnum):
    """How a panel shows its data; Grafana's own names."""

    TIMESERIES = "timeseries"
    STAT = "stat"
    TABLE = "table"
    BARGAUGE = "bargauge"
    HEATMAP = "heatmap"
    STATE_TIMELINE = "state-timeline"
    LOGS = "logs"
    TRACES = "traces"
    TEXT = "text"


class Source(StrEnum):
    """Where a query goes."""

    PROMETHEUS = "prometheus"
    LOKI = "loki"
    TEMPO = "tempo"


@dataclass(frozen=True, slots=True)
class Target:
    """One query.   legend: may name only labels that the query keeps.   exemplar: whether to fetch examples' traces."""

    expr: str
    legend: str = ""
    exemplar: bool = False
    source: Source = Source.PROMETHEUS


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold: from this value on, this colour."""

    value: float
    color: str = BAD


@dataclass(frozen=True, slots=True)
class Panel:
    """One question with its answer.

    description: what it shows, and what to think of it.   unit: Grafana's id.   lines: thresholds, drawn in a time
    series; base: the colour below the first.   names: texts and colours for values.   columns: of a table, its labels
    in order.   decimals: where Grafana would round over a threshold.   least, most: of the axis.   own_lines: base and
    thresholds of a legend or column unlike the others.   leads_to: the dashboard with the details.
    """

    title: str
    kind: Kind
    unit: str
    description: str
    targets: tuple[Target, ...]
    width: int = 8
    height: int = 8
    lines: tuple[Line, ...] = ()
    base: str = GOOD
    names: Mapping[float, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    columns: tuple[str, ...] = ()
    no_value: str = NO_TRAFFIC
    is_stacked: bool = False
    decimals: int | None = None
    least: float | None = 0.0
    most: float | None = None
    own_lines: Mapping[str, tuple[str, tuple[Line, ...]]] = field(default_factory=lambda: MappingProxyType({}))
    leads_to: str = ""

    def __post_init__(self) -> None:
        for what in ("title", "unit", "description"):
            if not getattr(self, what) and self.kind is not Kind.TEXT:
                raise PanelError(f"the panel {self.title!r} has no {what}")
        if not self.targets and self.kind is not Kind.TEXT:
            raise PanelError(f"the panel {self.title!r} asks nothing")


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: one question.

    found_by: the metric whose jobs and instances can be chosen.   sources: what it asks.   beside: what stands beside
    the question.
    """

    slug: str
    name: str
    question: str
    rows: tuple[Row, ...]
    found_by: Metric = BUILD_INFO
    sources: tuple[Source, ...] = (Source.PROMETHEUS,)
    beside: tuple[Panel, ...] = ()

    @property
    def uid(self) -> str:
        """What links call it."""
        return f"cortex-{self.slug}"

    def panels(self) -> list[Panel]:
        """All of them, in order."""
        return [*self.beside, *(panel for row in self.rows for panel in row.panels)]


def slug(title: str) -> str:
    """A title as addresses write it."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def address(board: str, title: str) -> str:
    """What scenarios, alerts and runbooks call a panel."""
    return f"{board}/{slug(title)}"


def classic(board: Board) -> Json:
    """The dashboard as Grafana imports it.   Raises: PanelError for two panels of one address or id."""
    _distinct(board)
    built = (
        dashboard.Dashboard(f"Cortex · {board.name}")
        .uid(board.uid)
        .description(board.question)
        .tags([TAG])
        .readonly()
        .timezone("utc")
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_siblings())
    )
    for variable in _variables(board):
        built.with_variable(variable)
    for annotation in _annotations(board):
        built.annotation(annotation)
    document: Json = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    document["panels"] = list(_laid_out(board))
    document["links"] = [
        {name: value for name, value in each.items() if name != "placement"} for each in document["links"]
    ]
    document["version"] = 1
    return document


def source_variable(board: Board, source: Source = Source.PROMETHEUS) -> str:
    """The variable that a board's readers choose a data source with; with several, its type is in the name."""
    return "datasource" if board.sources == (Source.PROMETHEUS,) else f"{source}_datasource"


def _distinct(board: Board) -> None:
    addresses = [address(board.slug, panel.title) for panel in board.panels()]
    for found in (addresses, [str(panel_id(each)) for each in addresses]):
        twice = sorted({each for each in found if found.count(each) > 1})
        if twice:
            raise PanelError(f"the dashboard {board.slug!r} has {twice} twice: change a title")


# --- what every dashboard has


def _ref(board: Board, source: Source = Source.PROMETHEUS) -> common_models.DataSourceRef:
    return common_models.DataSourceRef(type_val=source.value, uid=f"${{{source_variable(board, source)}}}")


def _siblings() -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("Cortex dashboards")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _variables(board: Board) -> list[Any]:
    label = "Data source" if len(board.sources) == 1 else "{} data source"
    sources = [
        dashboard.DatasourceVariable(source_variable(board, each))
        .label(label.format(each.value.capitalize()))
        .type(each.value)
        for each in board.sources
    ]
    found = board.found_by.exposed
    return [
        *sources,
        _query(board, "job", f"label_values({found}, job)"),
        _query(board, "instance", f'label_values({found}{{job=~"$job"}}, instance)'),
    ]


def _query(board: Board, name: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(name)
        .datasource(_ref(board))
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _annotations(board: Board) -> list[dashboard.AnnotationQuery]:
    """What else happened: alerts everywhere, and on the proxy's boards its starts and open breakers.

    A start is looked for in twice the interval, as a new process may be scraped only in the second.
    """
    alerts = 'ALERTS{alertname=~"Cortex.+",alertstate="firing",job=~"$job"}'
    age = f"time() - max by (job, instance) ({START_TIME.exposed}{{{CHOSEN}}})"
    is_open = f"{worst(BREAKER_STATE, ('surface',), window='$__interval')} == {BREAKER_STATES['open']}"
    of_proxies = (
        ("Starts", CALM, f"{age} < 2 * $__interval_ms / 1000", "{{job}} {{instance}} started"),
        ("Breaker open", BAD, is_open, "{{surface}}"),
    )
    told = (
        *(() if board.found_by is MOCK_REQUESTS else of_proxies),
        ("Alerts", WARN, alerts, "{{alertname}} ({{severity}})"),
    )
    return [
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(_ref(board))
        .enable(True)
        .icon_color(color)
        .expr(expr)
        .title_format(title)
        .step("60s")
        for name, color, expr, title in told
    ]


# --- layout


def _laid_out(board: Board) -> list[Json]:
    """The question, then rows from top to bottom."""
    width = COLUMNS - sum(panel.width for panel in board.beside)
    question = Panel("What this board answers", Kind.TEXT, "", board.question, (), width, _QUESTION_HEIGHT)
    found, y = _side_by_side(board, (question, *board.beside), 0)
    for row in board.rows:
        panels, below = _side_by_side(board, row.panels, y + 1)
        found += [_row(board, row, y), *panels]
        y = below
    return found


def _side_by_side(board: Board, panels: tuple[Panel, ...], y: int) -> tuple[list[Json], int]:
    """Panels from left to right, in lines as high as their highest panel; and where the next row begins."""
    found: list[Json] = []
    x = height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        at = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        found.append(_rendered(board, panel) | {"gridPos": at})
        x, height = x + panel.width, max(height, panel.height)
    return found, y + height


_QUESTION_HEIGHT = 3


def _row(board: Board, row: Row, y: int) -> Json:
    return {
        "type": "row",
        "id": panel_id(f"{board.slug}//{slug(row.title)}"),
        "title": row.title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
    }


# --- panels


def _rendered(board: Board, panel: Panel) -> Json:
    builder = _BUILDERS[panel.kind](panel)
    builder.id(panel_id(address(board.slug, panel.title))).title(panel.title).description(panel.description)
    if panel.kind is not Kind.TEXT:
        builder.datasource(_ref(board, panel.targets[0].source))
        for number, target in enumerate(panel.targets):
            builder.with_target(_target(board, panel, target, chr(ord("A") + number)))
    if panel.kind not in (Kind.TEXT, Kind.LOGS):
        _fields(panel, builder)
    if panel.leads_to:
        builder.links([_drill_down(board, panel.leads_to)])
    document: Json = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    for link in document.get("links", []):
        link.pop("placement", None)
    return document


def _drill_down(board: Board, uid_slug: str) -> dashboard.DashboardLink:
    passed = "${__url_time_range}&${job:queryparam}&${instance:queryparam}"
    if source_variable(board) == "datasource":
        passed += "&${datasource:queryparam}"
    title = f"Cortex · {uid_slug}"
    return dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK).url(f"/d/cortex-{uid_slug}?{passed}")


def _fields(panel: Panel, builder: Any) -> None:
    builder.unit(panel.unit).no_value(panel.no_value)
    if panel.kind is not Kind.HEATMAP:
        builder.thresholds(
            dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(_steps(panel.base, panel.lines))
        )
        for name, (base, lines) in panel.own_lines.items():
            builder.override_by_name(name, _own(panel, base, lines))
        if panel.least is not None and panel.kind is not Kind.TABLE:
            builder.min(panel.least)
        if panel.most is not None:
            builder.max(panel.most)
    if panel.decimals is not None:
        builder.decimals(panel.decimals)
    if panel.names:
        texts = {
            f"{value:g}": models.ValueMappingResult(text=text, color=color)
            for value, (text, color) in panel.names.items()
        }
        builder.mappings([models.ValueMap(options=texts)])


def _steps(base: str, lines: tuple[Line, ...]) -> list[models.Threshold]:
    return [models.Threshold(None, base), *(models.Threshold(each.value, each.color) for each in lines)]


def _own(panel: Panel, base: str, lines: tuple[Line, ...]) -> list[models.DynamicConfigValue]:
    steps = models.ThresholdsConfig(mode=models.ThresholdsMode.ABSOLUTE, steps=_steps(base, lines))
    found = [models.DynamicConfigValue("thresholds", steps)]
    if panel.kind is Kind.TABLE:
        found.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    return found


def _timeseries(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(25 if panel.is_stacked else 8)
        .show_points(common_models.VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(_legend())
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    )
    if panel.is_stacked:
        made.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    if panel.lines:
        drawn = common_models.GraphThresholdsStyleMode.LINE
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(drawn))
    return made


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
    )


def _reduced() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _stat(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .reduce_options(_reduced())
        .color_mode(
            common_models.BigValueColorMode.BACKGROUND if panel.names else common_models.BigValueColorMode.VALUE
        )
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .text_mode(
            common_models.BigValueTextMode.VALUE_AND_NAME
            if len(panel.targets) > 1 or "{{" in panel.targets[0].legend
            else common_models.BigValueTextMode.AUTO
        )
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )


def _bargauge(_panel: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .reduce_options(_reduced())
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )


def _table(panel: Panel) -> table.Panel:
    columns = (*panel.columns, *(each.legend or "Value" for each in panel.targets))
    several = len(panel.targets) > 1
    values = {
        (f"Value #{chr(ord('A') + n)}" if several else "Value"): each.legend for n, each in enumerate(panel.targets)
    }
    organised = models.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True},
            "indexByName": {name: index for index, name in enumerate((*panel.columns, *values))},
            "renameByName": {value: legend for value, legend in values.items() if legend},
        },
    )
    made = table.Panel().show_header(True)
    if several:
        made.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(organised)
    return made.sort_by([common.TableSortByFieldState().display_name(columns[-1]).desc(True)])


def _heatmap(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_models.HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .steps(32)
            .reverse(False)
            .fill("dark-blue")
            .exponent(0.5)
        )
        .rows_frame(heatmap.RowsHeatmapOptions().layout(common_models.HeatmapCellLayout.AUTO))
        .show_legend()
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .cell_values(heatmap.CellValues().unit("cps").decimals(2))
    )


def _state_timeline(_panel: Panel) -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(common_models.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(_legend())
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    )


def _logs(_panel: Panel) -> logs.Panel:
    return (
        logs.Panel()
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .prettify_log_message(False)
        .sort_order(common_models.LogsSortOrder.DESCENDING)
        .dedup_strategy(common_models.LogsDedupStrategy.NONE)
    )


def _traces(_panel: Panel) -> table.Panel:
    return table.Panel().show_header(True)


def _text(panel: Panel) -> text.Panel:
    return text.Panel().mode(text_models.TextMode.MARKDOWN).content(panel.description).transparent(True)


_BUILDERS: Mapping[Kind, Callable[[Panel], Any]] = MappingProxyType(
    {
        Kind.TIMESERIES: _timeseries,
        Kind.STAT: _stat,
        Kind.TABLE: _table,
        Kind.BARGAUGE: _bargauge,
        Kind.HEATMAP: _heatmap,
        Kind.STATE_TIMELINE: _state_timeline,
        Kind.LOGS: _logs,
        Kind.TRACES: _traces,
        Kind.TEXT: _text,
    }
)

_FORMATS = {
    Kind.TABLE: prometheus_models.PromQueryFormat.TABLE,
    Kind.HEATMAP: prometheus_models.PromQueryFormat.HEATMAP,
}
_AT_ONCE = (Kind.STAT, Kind.TABLE, Kind.BARGAUGE)
"""Kinds that show one moment, the end of the range: also when that is nothing any more."""


def _target(board: Board, panel: Panel, target: Target, letter: str) -> Any:
    source = _ref(board, target.source)
    if target.source is Source.LOKI:
        query = loki.Dataquery().expr(target.expr).ref_id(letter).datasource(source).query_type("range")
        return query.legend_format(target.legend) if target.legend else query
    if target.source is Source.TEMPO:
        sought = tempo.Dataquery().query(target.expr).query_type("traceql").ref_id(letter).datasource(source)
        return sought.limit(20).table_type(tempo_models.SearchTableType.TRACES)
    asked = prometheus.Dataquery().expr(target.expr).ref_id(letter).datasource(source)
    asked.format(_FORMATS.get(panel.kind, prometheus_models.PromQueryFormat.TIME_SERIES))
    if panel.kind in _AT_ONCE:
        asked.instant()
    else:
        asked.range()
    if target.exemplar:
        asked.exemplar(True)
    return asked.legend_format(target.legend or "__auto") if panel.kind is not Kind.TABLE else asked
