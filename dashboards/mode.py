"""The panel that every board of the proxy has beside its question: nobody may take a rehearsal for production."""

from __future__ import annotations

from contracts.telemetry import MODE_INFO, Mode
from dashboards.panels import BAD, GOOD, WARN, Kind, Panel, Target
from dashboards.promql import now

_LIVE, _REHEARSAL = (now(MODE_INFO, where={"mode": (mode.value,)}, how="max") for mode in (Mode.LIVE, Mode.REHEARSAL))

PANEL = Panel(
    "Mode",
    Kind.STAT,
    "none",
    "What stands upstream. In rehearsal every answer is made up: nothing here is production.",
    (Target(f"{_LIVE} + 2 * {_REHEARSAL}", "mode"),),
    width=4,
    height=3,
    names={1: ("live", GOOD), 2: ("REHEARSAL", WARN), 3: ("MIXED", BAD)},
    no_value="no proxy",
)
