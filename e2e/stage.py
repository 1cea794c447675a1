"""Where stories play: a stack of our own, or somebody's target; and what can be asked about it from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from e2e.telemetry import Receiver

TIMEOUT_S = 20

Counters = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""Series by name and labels."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where stories play.

    mock_url, metrics_url, receiver: None where the target does not let us look at that.
    """

    page_url: str
    mock_url: str | None
    metrics_url: str | None
    receiver: Receiver | None

    def counters(self) -> Counters:
        """Every series of the proxy, by its name and labels."""
        assert self.metrics_url is not None, "asked of a target that shows its metrics"
        lines = requests.get(self.metrics_url, timeout=TIMEOUT_S).text.splitlines()
        found = (re.fullmatch(r"(\w+)(?:\{(.*)\})? ([\d.e+-]+)", line) for line in lines)
        return {
            (each[1], frozenset(re.findall(r'(\w+)="([^"]*)"', each[2] or ""))): float(each[3])
            for each in found
            if each
        }

    def journal(self, test_id: str) -> list[dict[str, Any]]:
        """What the mock noted under a test id, newest first."""
        assert self.mock_url is not None, "asked of a target with a mock"
        answer = requests.get(f"{self.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=TIMEOUT_S)
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json()
        return entries
