"""`cortex-harness dashboards push`, as it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import harness
from dashboards.push import DRIFT
from dashboards.tests.grafana import ADMIN_TOKEN, Standin


def typed(*arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    """What the command says, without this shell's own Grafana."""
    nobodys = {"GRAFANA_TOKEN": None}
    return CliRunner().invoke(harness.main, ["dashboards", "push", *arguments], env={**nobodys, **(environment or {})})


def test_the_token_comes_from_the_environment(standin: Standin) -> None:
    """As other tools of Grafana take it; a dry run of the committed build finds all of it to do."""
    done = typed(f"--url={standin.url}", "--dry-run", environment={"GRAFANA_TOKEN": ADMIN_TOKEN})
    assert done.exit_code == DRIFT, done.output
    assert "create  dashboard    Cortex · Overview (cortex-overview)" in done.output
    assert ADMIN_TOKEN not in done.output
    assert standin.state.writes() == []


def test_a_token_file_and_every_option(standin: Standin, tmp_path: Path) -> None:
    """The file goes before the variable, and the options reach the push."""
    (tmp_path / "token").write_text(f"{ADMIN_TOKEN}\n", encoding="utf-8")
    standin.state.add_source("prometheus", "Second", "second")
    options = ["--datasource=Second", "--loki=uid-loki", "--tempo=Tempo", "--overwrite"]
    done = typed(
        f"--url={standin.url}",
        f"--token-file={tmp_path / 'token'}",
        "--runbooks=https://runbooks.example.com",
        *options,
        environment={"GRAFANA_TOKEN": "glsa_old"},
    )
    assert done.exit_code == 0, done.output
    rule = next(iter(standin.state.rules.values()))
    assert "second" in {query["datasourceUid"] for query in rule["data"]}
    assert rule["annotations"]["runbook_url"].startswith("https://runbooks.example.com/Cortex")


def test_without_alerts(standin: Standin) -> None:
    """Dashboards alone."""
    done = typed(f"--url={standin.url}", "--no-alerts", environment={"GRAFANA_TOKEN": ADMIN_TOKEN})
    assert done.exit_code == 0, done.output
    assert (len(standin.state.dashboards) > 5, standin.state.rules) == (True, {})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing option '--url'"),
        (["--url=http://127.0.0.1:9"], 2, "a token is needed: GRAFANA_TOKEN, --token-file or --token"),
        (["--url=http://127.0.0.1:9", "--token-file=/no/such"], 2, "cannot be read from /no/such"),
        (["--url=http://127.0.0.1:9", "--token=glsa_x"], 1, "cannot be reached"),
    ],
    ids=["no-address", "no-token", "no-token-file", "nobody-there"],
)
def test_what_is_missing_is_told(arguments: list[str], code: int, words: str) -> None:
    """With the exit code of a usage error or of a failure."""
    done = typed(*arguments)
    assert done.exit_code == code, done.output
    assert words in done.output
