"""Runs of pytest in a run of pytest, with what tells of runs."""

from __future__ import annotations

import pytest

from e2e.observation import PIPELINE
from e2e.observed import ENDPOINT_VARIABLE

CONFTEST = """
from e2e import again, cases, observed, quarantine, report

def pytest_addoption(parser, pluginmanager):
    parser.addoption("--trace-url")
    for module in (again, cases, observed, quarantine, report):
        pluginmanager.register(module, module.__name__)
"""
INI = "[pytest]\naddopts = -p no:cacheprovider\nfilterwarnings = error\nmarkers = scenario(name)\n"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests whose runs are told of, in no pipeline."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in (ENDPOINT_VARIABLE, "TRACEPARENT", *(each for names in PIPELINE.values() for each in names)):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST)
    return pytester
