"""Tokens and cost: what is spent, on which models, and what of it has no price?"""

from __future__ import annotations

from contracts.telemetry import COST, STREAM_ENDS, TOKENS, UNPRICED, TokenKind
from dashboards import mode, thresholds
from dashboards.panels import BAD, CALM, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import increase, rate, ratio, within

_PRICES = "By the price table that the proxy was given; without one every answer is unpriced."
_SPENT = {"kind": (TokenKind.INPUT.value, TokenKind.OUTPUT.value)}

BOARD = Board(
    "tokens",
    "Tokens and cost",
    "What is spent, on which models, and what of it has no price?",
    (
        Row(
            "Tokens",
            (
                Panel(
                    "Tokens",
                    Kind.TIMESERIES,
                    "cps",
                    "Tokens per second that Snowflake reported. Cached ones are part of the input: the kinds are never "
                    "added up.",
                    (Target(rate(TOKENS, ("kind",)), "{{kind}}"),),
                    width=6,
                ),
                Panel(
                    "Tokens by model",
                    Kind.TIMESERIES,
                    "cps",
                    "Input and output tokens per second, by model. Models that the price table does not name are "
                    "`other`.",
                    (Target(rate(TOKENS, ("model",), _SPENT), "{{model}}"),),
                    width=6,
                    is_stacked=True,
                ),
                Panel(
                    "Tokens per turn",
                    Kind.TIMESERIES,
                    "short",
                    "Input and output tokens for each stream that ended, failed ones included.",
                    (
                        Target(ratio(rate(TOKENS, where={"kind": ("input",)}), rate(STREAM_ENDS)), "input"),
                        Target(ratio(rate(TOKENS, where={"kind": ("output",)}), rate(STREAM_ENDS)), "output"),
                    ),
                    width=6,
                ),
                Panel(
                    "Cached share",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of the input tokens that came from the cache.",
                    (
                        Target(
                            ratio(rate(TOKENS, where={"kind": ("cached",)}), rate(TOKENS, where={"kind": ("input",)})),
                            "cached",
                        ),
                    ),
                    width=6,
                    most=1.0,
                ),
            ),
        ),
        Row(
            "Cost",
            (
                Panel(
                    "Cost",
                    Kind.TIMESERIES,
                    "currencyUSD",
                    f"US dollars per hour, at the pace of the moment. {_PRICES}",
                    (Target(f"{rate(COST)} * 3600", "per hour"),),
                ),
                Panel(
                    "Cost over range",
                    Kind.STAT,
                    "currencyUSD",
                    f"US dollars over the chosen time. Unpriced answers are not in it. {_PRICES}",
                    (Target(increase(COST), "spent"),),
                    base=CALM,
                    width=4,
                    no_value="no prices",
                ),
                Panel(
                    "Cost by model",
                    Kind.BARGAUGE,
                    "currencyUSD",
                    f"US dollars over the chosen time, by model. {_PRICES}",
                    (Target(increase(COST, ("model",)), "{{model}}"),),
                    base=CALM,
                    width=6,
                    no_value="no prices",
                ),
                Panel(
                    "Unpriced calls",
                    Kind.TIMESERIES,
                    "short",
                    "Answers of the last hour that no price could be given: a model that the table does not name, or "
                    "no usage reported. What they cost is missing from the panels beside.",
                    (Target(within(UNPRICED, thresholds.CALLS_UNPRICED.window_s, ("reason",)), "{{reason}}"),),
                    width=6,
                    lines=(Line(thresholds.CALLS_UNPRICED.value, BAD),),
                    is_stacked=True,
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
