"""A run of the suite as telemetry: a trace of its tests, and its metrics, over OTLP.

    pytest e2e/stories -n 2 --cortex-suite stories --otlp-endpoint http://localhost:4318

`OTEL_EXPORTER_OTLP_ENDPOINT` does the same; headers come from `OTEL_EXPORTER_OTLP_HEADERS`, a trace that the run is to
be part of from `TRACEPARENT`. Without an endpoint nothing is imported, made or sent. With xdist the workers send
nothing: their reports reach the run that started them, so one run is one trace.

A plugin, as e2e.cases is, which notes what tests promise. `SUITE_PLUGINS` of e2e/plugin.py are all of them.
"""

from __future__ import annotations

import os

import pytest

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    words = f"send the run's spans and metrics there, by OTLP over HTTP [{ENDPOINT_VARIABLE}]"
    parser.getgroup("cortex-harness").addoption("--otlp-endpoint", metavar="URL", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Observe the run that starts the workers, or that has none."""
    endpoint = config.getoption("--otlp-endpoint") or os.environ.get(ENDPOINT_VARIABLE)
    if endpoint and not hasattr(config, "workerinput"):
        from e2e.observation import Observed  # noqa: PLC0415 - only runs that tell pay for OpenTelemetry

        # --cortex-suite belongs to pytest_cortex_mock, which a run may have been started without.
        suite = str(config.getoption("--cortex-suite", "unit"))
        config.pluginmanager.register(Observed(endpoint, suite, config.rootpath), "cortex-observed")
