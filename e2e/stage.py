"""Where stories play: a stack of our own, or somebody's target; and what can be asked about it from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests

from e2e.casting import Mode
from e2e.stack import PROMPT, Stack, running
from e2e.telemetry import Receiver, sources_of

TIMEOUT_S = 20

Counters = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""Series by name and labels."""


class NotTold(Exception):
    """A story asked what its target does not tell. What it saw until then holds; the plugin counts such stories."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where stories play.

    mock_url, metrics_url, receiver, log_dir: None where the target does not let us look at that.
    unasserted: what the running story passed over for that reason.
    """

    page_url: str
    mock_url: str | None
    metrics_url: str | None
    receiver: Receiver | None
    mode: Mode = "local"
    log_dir: Path | None = None
    unasserted: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, own: Stack, receiver: Receiver | None) -> Self:
        """A stack of our own.   receiver: what its telemetry is sent to."""
        return cls(own.proxy_url, own.mock_url, own.metrics_url, receiver, log_dir=own.log_dir)

    @property
    def is_local(self) -> bool:
        """Whether it is a stack of our own, which nobody else uses."""
        return self.mode == "local"

    def counters(self) -> Counters:
        """Every series of the proxy, by its name and labels.   Raises: NotTold."""
        if self.metrics_url is None:
            raise NotTold("metrics")
        lines = requests.get(self.metrics_url, timeout=TIMEOUT_S).text.splitlines()
        found = (re.fullmatch(r"(\w+)(?:\{(.*)\})? ([\d.e+-]+)", line) for line in lines)
        return {
            (each[1], frozenset(re.findall(r'(\w+)="([^"]*)"', each[2] or ""))): float(each[3])
            for each in found
            if each
        }

    def telemetry(self) -> Receiver:
        """What takes the telemetry of the stage.   Raises: NotTold."""
        if self.receiver is None:
            raise NotTold("telemetry")
        return self.receiver

    def journal(self, test_id: str) -> list[dict[str, Any]]:
        """What the mock noted under a test id, newest first.   Raises: NotTold."""
        if self.mock_url is None:
            raise NotTold("the mock's journal")
        answer = requests.get(f"{self.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=TIMEOUT_S)
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json()
        return entries


@contextmanager
def telling(receiver: Receiver, environment: Mapping[str, str]) -> Iterator[Stack]:
    """A stack of our own that answers at once and tells the receiver at once; its counters can be read.

    environment: more settings of its proxy.
    """
    told = {"CORTEX_PROXY_METRICS_PORT": "0", "CORTEX_PROXY_OTLP_ENDPOINT": receiver.url}
    with (
        running(
            pace=0.0,
            proxy_environment={**PROMPT, **told, **environment},
            mock_arguments=("--otlp-endpoint", receiver.url),
            mock_environment=PROMPT,
        ) as own,
        receiver.hearing(*sources_of(own.proxy_url, own.mock_url)),
    ):
        yield own
