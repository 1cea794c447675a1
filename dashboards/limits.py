"""Limits and headroom: who is turned away, what is nearly used up, and how the process itself stands."""

from __future__ import annotations

from contracts.telemetry import (
    HISTORY_TURNS,
    HISTORY_WAITING,
    HISTORY_WRITE,
    LIMIT_DECISIONS,
    LIMIT_USED,
    PROCESS_CPU,
    PROCESS_DESCRIPTORS,
    PROCESS_MEMORY,
    PROCESS_THREADS,
    SESSION_TOKENS,
    STORE_UP,
    STREAMS_ACTIVE,
    STREAMS_CAPACITY,
)
from dashboards import mode, thresholds
from dashboards.panels import BAD, GOOD, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import now, quantile, rate, ratio

_EACH = ("job", "instance")

BOARD = Board(
    "limits",
    "Limits and headroom",
    "Who is turned away, what is nearly used up, and how do the processes stand?",
    (
        Row(
            "Limits",
            (
                Panel(
                    "Decisions",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests that the limits of their endpoint let through or refused.",
                    (Target(rate(LIMIT_DECISIONS, ("decision",)), "{{decision}}"),),
                    width=12,
                    is_stacked=True,
                ),
                Panel(
                    "Refusals",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests refused with 429 by the proxy's own limits, by policy. Snowflake's are on the upstream "
                    "board.",
                    (Target(rate(LIMIT_DECISIONS, ("policy",), {"decision": ("refused",)}), "{{policy}}"),),
                    width=12,
                ),
                Panel(
                    "Headroom",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of their tightest limit that 95 % of requests leave free, by policy. The line is the "
                    "alert's.",
                    (Target(f"1 - {quantile(0.95, LIMIT_USED, ('policy',))}", "{{policy}}"),),
                    base=BAD,
                    lines=(Line(thresholds.LIMIT_HEADROOM.value, GOOD),),
                    most=1.0,
                ),
                Panel(
                    "Stream capacity",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Share of a process's streams in use. What comes beyond all of them is refused. The line is the "
                    "alert's.",
                    (Target(ratio(now(STREAMS_ACTIVE, _EACH), now(STREAMS_CAPACITY, _EACH)), "{{job}} {{instance}}"),),
                    lines=(Line(thresholds.STREAM_CAPACITY.value),),
                    most=1.0,
                    no_value="no proxy",
                ),
                Panel(
                    "Session tokens",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests for a session token, by what became of them. Refused ones are pages that were open too "
                    "long, or a key that pages do not share.",
                    (Target(rate(SESSION_TOKENS, ("outcome",)), "{{outcome}}"),),
                    is_stacked=True,
                ),
            ),
        ),
        Row(
            "Stores",
            (
                Panel(
                    "Stores",
                    Kind.STATE_TIMELINE,
                    "none",
                    "Whether history and limits could use their store when they last did, the worst process of each.",
                    (Target(now(STORE_UP, ("store",), how="min"), "{{store}}"),),
                    names={0: ("down", BAD), 1: ("up", GOOD)},
                    base=BAD,
                    lines=(Line(1, GOOD),),
                    no_value="no proxy",
                ),
                Panel(
                    "History turns",
                    Kind.TIMESERIES,
                    "cps",
                    "Turns that the history kept and lost. A lost one was answered all the same.",
                    (Target(rate(HISTORY_TURNS, ("outcome",)), "{{outcome}}"),),
                    is_stacked=True,
                ),
                Panel(
                    "History write time",
                    Kind.TIMESERIES,
                    "s",
                    "Time that one write took; it is off the stream's path.",
                    tuple(Target(quantile(q, HISTORY_WRITE), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
                    width=4,
                ),
                Panel(
                    "History waiting",
                    Kind.TIMESERIES,
                    "short",
                    "Turns that wait to be written. A hill that does not come down ends in lost turns.",
                    (Target(now(HISTORY_WAITING), "waiting"),),
                    width=4,
                ),
            ),
        ),
        Row(
            "Processes",
            (
                Panel(
                    "Memory",
                    Kind.TIMESERIES,
                    "bytes",
                    "Resident memory of each process.",
                    (Target(now(PROCESS_MEMORY, _EACH), "{{job}} {{instance}}"),),
                    width=6,
                    no_value="no proxy",
                ),
                Panel(
                    "Processor",
                    Kind.TIMESERIES,
                    "percentunit",
                    "Processor time of each process per second: 100 % is one core, the most that its Python can use.",
                    (Target(rate(PROCESS_CPU, _EACH), "{{job}} {{instance}}"),),
                    width=6,
                    no_value="no proxy",
                ),
                Panel(
                    "Threads",
                    Kind.TIMESERIES,
                    "short",
                    "Threads of each process; a stream has one.",
                    (Target(now(PROCESS_THREADS, _EACH), "{{job}} {{instance}}"),),
                    width=6,
                    no_value="no proxy",
                ),
                Panel(
                    "Descriptors",
                    Kind.TIMESERIES,
                    "short",
                    "Files and sockets that each process holds. A staircase is a leak.",
                    (Target(now(PROCESS_DESCRIPTORS, _EACH), "{{job}} {{instance}}"),),
                    width=6,
                    no_value="no proxy",
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
