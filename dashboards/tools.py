"""Tools and agent: do tool calls succeed, how long do they take, and how deep does the agent's loop go?"""

from __future__ import annotations

from contracts.telemetry import AGENT_TOOL_CALLS, TOOL_CALLS, TOOL_DURATION, ToolOutcome
from dashboards import mode, slo
from dashboards.panels import BAD, GOOD, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import buckets, increase, quantile, rate, ratio

_OBJECTIVE = next(each.ratio for each in slo.load().objectives if each.name == "tool-success")
_DONE = (ToolOutcome.OK.value, ToolOutcome.REFUSED.value)

BOARD = Board(
    "tools",
    "Tools and agent",
    "Do tool calls succeed, how long do they take, and how deep does the agent's loop go?",
    (
        Row(
            "Tools of the proxy",
            (
                Panel(
                    "Tool calls",
                    Kind.TIMESERIES,
                    "reqps",
                    "Tool calls that ended, by tool.",
                    (Target(rate(TOOL_CALLS, ("tool",)), "{{tool}}"),),
                    is_stacked=True,
                ),
                Panel(
                    "Tool success ratio",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of tool calls that were answered or rightly refused, by tool; cancelled ones count neither "
                    "way. The line is the objective.",
                    (
                        Target(
                            ratio(
                                rate(TOOL_CALLS, ("tool",), {"outcome": _DONE}),
                                rate(TOOL_CALLS, ("tool",), {"!outcome": (ToolOutcome.CANCELLED.value,)}),
                            ),
                            "{{tool}}",
                        ),
                    ),
                    base=BAD,
                    lines=(Line(_OBJECTIVE, GOOD),),
                    most=1.0,
                ),
                Panel(
                    "Tool duration",
                    Kind.TIMESERIES,
                    "s",
                    "Time that a tool call took in the proxy, Snowflake's part included, p95.",
                    (
                        Target(
                            quantile(0.95, TOOL_DURATION, ("gen_ai_tool_name",)), "{{gen_ai_tool_name}}", exemplar=True
                        ),
                    ),
                ),
                Panel(
                    "Tool outcomes",
                    Kind.TABLE,
                    "short",
                    "Tool calls of the chosen time, by tool and outcome. `refused` is the proxy's guard at work.",
                    (Target(f"{increase(TOOL_CALLS, ('tool', 'outcome'))} > 0", "calls"),),
                    columns=("tool", "outcome"),
                    width=24,
                    height=6,
                    no_value="no calls",
                ),
            ),
        ),
        Row(
            "Tools of the agent",
            (
                Panel(
                    "Agent depth",
                    Kind.HEATMAP,
                    "short",
                    "Tools that the agent used in one turn, as Snowflake told of them. A band that climbs is a loop "
                    "that does not find its end, and is paid for.",
                    (Target(buckets(AGENT_TOOL_CALLS), "{{le}}"),),
                    width=12,
                ),
                Panel(
                    "Agent depth quantiles",
                    Kind.TIMESERIES,
                    "short",
                    "The same by quantile; within the width of a bucket.",
                    tuple(Target(quantile(q, AGENT_TOOL_CALLS), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
                    width=12,
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
