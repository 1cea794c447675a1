"""The example of a delivery: it parses, asks before it deploys, and every command it runs is one."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "proxy" / "deploy" / "pipeline.yaml"
OURS = ["python3", "harness.py"]


def pipeline() -> dict[str, Any]:
    """The parsed file."""
    found: dict[str, Any] = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))
    return found


def lines(job: str) -> list[list[str]]:
    """The words of each command of a job."""
    return [shlex.split(step["run"]) for step in pipeline()["jobs"][job]["steps"] if "run" in step]


COMMANDS = [line for job in pipeline()["jobs"] for line in lines(job)]


def test_it_asks_before_it_deploys_and_records_after() -> None:
    """Test, publish, ask, deploy, record; each job waits for the one before."""
    jobs = pipeline()["jobs"]
    assert [*jobs] == ["test", "publish", "deploy"]
    assert (jobs["publish"]["needs"], jobs["deploy"]["needs"]) == ("test", "publish")
    assert [line[:4] for line in lines("test") + lines("publish")] == [
        [*OURS, "test"],
        [*OURS, "contracts", "publish"],
    ]
    assert [line[3] if line[:2] == OURS else line[0] for line in lines("deploy")] == [
        "can-i-deploy",
        "kubectl",
        "record-deployment",
    ]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line[:2] == OURS], ids=lambda line: " ".join(line[2:4]))
def test_a_command_of_ours_knows_its_options(line: list[str]) -> None:
    """The front door has the command, and the command every option that is given."""
    names = [word for word in line[2:] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("--")]
    command = names[: 2 if names[0] == "contracts" else 1]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, str(ROOT / "harness.py"), *command, "--help"],
        env=os.environ | {"CORTEX_HARNESS_BOOTSTRAPPED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    for option in (word for word in line if word.startswith("--")):
        assert re.search(rf"{option}\b", done.stdout), f"{' '.join(command)} has no option {option}"


def test_what_is_applied_is_there() -> None:
    """The deployment's folder is the repository's."""
    (kubectl,) = [line for line in COMMANDS if line[0] == "kubectl"]
    assert (ROOT / kubectl[-1] / "kustomization.yaml").is_file()


def test_secrets_come_from_the_environment_alone() -> None:
    """No command line holds a credential or names the variable of one."""
    assert pipeline()["env"]["PACT_BROKER_TOKEN"] == "${{ secrets.PACT_BROKER_TOKEN }}"
    assert not [line for line in COMMANDS if any("TOKEN" in word or "secrets." in word for word in line)]


def test_two_deliveries_do_not_cross() -> None:
    """Between asking and recording nothing else is deployed."""
    assert pipeline()["concurrency"]["group"] == "deliver-production"
