"""The linter: dashboards, rules, provisioning and runbooks held against the catalogue and against each other.

`faults` is pure, and fast enough to run on a thousand mutants; `run` reads files, asks promtool and, when told to, a
running Prometheus. Exit codes: 0 no fault, 1 faults, 2 a file that cannot be read or a program that is not there.
"""

from __future__ import annotations

from dashboards.check.model import Documents, Fault, Rule
from dashboards.check.report import run
from dashboards.check.rules import RULES, faults, overview

__all__ = ["RULES", "Documents", "Fault", "Rule", "faults", "overview", "run"]
