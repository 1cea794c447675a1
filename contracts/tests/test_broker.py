"""Publishing, recording and asking, by Pact's real command, at a stand-in for a broker."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts import broker
from contracts.broker import FAILED, OK, USAGE, Broker, BrokerError, version
from contracts.tests.broker_stand_in import BrokerStandIn, row

TOKEN, OTHER = "what-the-stand-in-lets-in", "what-it-does-not"
WHO, WORD = "somebody", "what-only-they-know"
PASSING, FAILING = "def test_it() -> None:\n    pass\n", "def test_it() -> None:\n    assert False\n"
PACT = {
    "consumer": {"name": "bench-frontend"},
    "provider": {"name": "cortex-proxy"},
    "interactions": [],
    "metadata": {"pactSpecification": {"version": "4.0"}, "cortex-harness": {"sequences": {"a": {"sequence": 1}}}},
}


def git(folder: Path, *arguments: str) -> str:
    """What git says."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    named = {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=os.environ | own | named, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one pact, its provider's suite, a branch and two tags."""
    for name, text in {
        "contracts/pacts/bench-frontend-cortex-proxy.json": json.dumps(PACT),
        "contracts/provider/test_proxy.py": PASSING,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, "utf-8")
    git(tmp_path, "init", "--initial-branch", "trunk")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "first")
    git(tmp_path, "tag", "v1.0.0")
    git(tmp_path, "tag", "stable")
    return tmp_path


class Lines(list[str]):
    """What a command says."""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self)


def named(served: BrokerStandIn, **more: str) -> dict[str, str]:
    """An environment that names the stand-in."""
    return {"PATH": os.environ["PATH"], "PACT_BROKER_URL": served.url, **more}


# --- publishing ------------------------------------------------------------------------------------------------------


def test_pacts_are_published_as_the_commit(checkout: Path) -> None:
    """Version, branch, tags and build arrive; so do the sequence rules, which stand in the pact's metadata."""
    said = Lines()
    with BrokerStandIn(credential=f"Bearer {TOKEN}") as served:
        environment = named(served, PACT_BROKER_TOKEN=TOKEN)
        code = broker.publish(environment, said.append, build_url="https://ci.example.com/1", root=checkout)
    assert code == OK, said.text
    (sent,) = served.told.published
    commit = git(checkout, "rev-parse", "HEAD")
    assert (sent["pacticipantVersionNumber"], sent["branch"], sorted(sent["tags"])) == (
        commit,
        "trunk",
        ["stable", "v1.0.0"],
    )
    assert sent["buildUrl"] == "https://ci.example.com/1"
    (contract,) = served.told.contracts
    assert contract["metadata"]["cortex-harness"] == PACT["metadata"]["cortex-harness"]  # type: ignore[index]
    assert TOKEN not in said.text


@pytest.mark.parametrize(("suite", "code"), [(PASSING, OK), (FAILING, FAILED)], ids=["kept", "broken"])
def test_a_verification_is_recorded_as_it_went(suite: str, code: int, checkout: Path) -> None:
    """The provider's suite runs, and its result, good or bad, is recorded for this commit and branch."""
    (checkout / "contracts/provider/test_proxy.py").write_text(suite, "utf-8")
    said = Lines()
    with BrokerStandIn() as served:
        assert broker.publish(named(served), said.append, verify=True, root=checkout) == code, said.text
    (result,) = served.told.results
    commit = git(checkout, "rev-parse", "HEAD")
    assert (result["success"], result["providerApplicationVersion"]) == (code == OK, commit)
    assert [path for path in served.told.placed if path.endswith(f"cortex-proxy/branches/trunk/versions/{commit}")]


def test_without_a_broker_the_files_stay(checkout: Path) -> None:
    """Nothing is published, which is said, and is no failure."""
    said = Lines()
    assert broker.publish({}, said.append, root=checkout) == OK
    assert said.text.startswith(
        "PACT_BROKER_URL is not set, so nothing is published; the pacts stay in contracts/pacts: "
    )
    assert said.text.endswith("bench-frontend-cortex-proxy.json")


def test_no_pact_is_a_failure(tmp_path: Path) -> None:
    """Publishing nothing is no success."""
    said = Lines()
    assert broker.publish({}, said.append, root=tmp_path) == FAILED
    assert "no pact" in said.text


def test_pacts_that_are_not_the_commits_are_not_published(checkout: Path) -> None:
    """What is published under a commit stands in it."""
    changed = checkout / "contracts/pacts/bench-frontend-cortex-proxy.json"
    changed.write_text(changed.read_text("utf-8") + "\n", "utf-8")
    said = Lines()
    with BrokerStandIn() as served:
        assert broker.publish(named(served), said.append, root=checkout) == USAGE
    assert "differ from commit" in said.text
    assert served.told.published == []


def test_a_refusing_broker_is_a_failure(checkout: Path) -> None:
    """Whatever Pact's command says of it is shown, the credential is not."""
    said = Lines()
    with BrokerStandIn(credential=f"Bearer {OTHER}") as served:
        environment = named(served, PACT_BROKER_TOKEN=TOKEN)
        assert broker.publish(environment, said.append, root=checkout) == FAILED
    assert said.text
    assert TOKEN not in said.text


def test_a_file_that_is_no_pact_is_not_published(checkout: Path) -> None:
    """The file is named, and nothing of the others goes out either."""
    (checkout / "contracts/pacts/notes.json").write_text("{}", "utf-8")
    git(checkout, "add", ".")
    git(checkout, "commit", "--message", "notes")
    said = Lines()
    with BrokerStandIn() as served:
        assert broker.publish(named(served), said.append, root=checkout) == USAGE
    assert "notes.json: no pact" in said.text
    assert served.told.published == []


@pytest.mark.parametrize("ask", ["publish", "can_i_deploy", "record_deployment"])
def test_a_missing_command_is_told(ask: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed is named, with the way to get it."""
    monkeypatch.setattr("contracts.broker.shutil.which", lambda *_asked, **_more: None)
    more = {} if ask == "publish" else {"pacticipant": "cortex-proxy", "to": "production"}
    said = Lines()
    with BrokerStandIn() as served:
        assert getattr(broker, ask)(named(served), said.append, root=checkout, **more) == USAGE
    assert said == ["Pact's command is not installed: uv sync --group contracts"]


def test_a_provider_without_a_suite_is_refused(checkout: Path) -> None:
    """A pact that nobody verifies cannot be published with its verification."""
    file = checkout / "contracts/pacts/bench-frontend-cortex-proxy.json"
    file.write_text(json.dumps({**PACT, "provider": {"name": "somebody"}}), "utf-8")
    git(checkout, "commit", "--all", "--message", "another provider")
    said = Lines()
    with BrokerStandIn() as served:
        assert broker.publish(named(served), said.append, verify=True, root=checkout) == USAGE
    assert "nobody verifies provider 'somebody'" in said.text


def test_results_go_nowhere_else(checkout: Path) -> None:
    """A link to another host gets neither the result nor the credential."""
    said = Lines()
    with BrokerStandIn() as other, BrokerStandIn(results_at=f"{other.url}/results") as served:
        environment = named(served, PACT_BROKER_TOKEN=TOKEN)
        assert broker.publish(environment, said.append, verify=True, root=checkout) == USAGE
    assert "no place of its own" in said.text
    assert other.told.credentials == set()


# --- deployment ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "first", "code", "told"),
    [
        ([row(success=True)], False, OK, "yes: all verifications are successful"),
        ([row(success=False)], False, FAILED, "no: a verification failed"),
        ([], False, FAILED, "no: nothing was compared"),
        ([], True, OK, "yes: "),
    ],
    ids=["yes", "no", "nothing compared", "the first of all"],
)
def test_whether_a_version_may_be_deployed(
    matrix: list[dict[str, object]], first: bool, code: int, told: str, checkout: Path
) -> None:
    """The broker's answer decides, and an answer about nothing is no yes."""
    said = Lines()
    with BrokerStandIn(matrix=matrix) as served:
        found = broker.can_i_deploy(
            named(served),
            said.append,
            pacticipant="cortex-proxy",
            to="production",
            ignore=["snowflake-cortex"],
            first=first,
            root=checkout,
        )
    assert (found, told in said.text) == (code, True), said.text
    (question,) = served.told.questions
    assert question["q[][pacticipant]"] == ["cortex-proxy"]
    assert question["q[][version]"] == [git(checkout, "rev-parse", "HEAD")]
    assert question["environment"] == ["production"]
    assert question["ignore[][pacticipant]"] == ["snowflake-cortex"]


def test_a_deployment_is_recorded(checkout: Path) -> None:
    """What runs where is known to the broker afterwards."""
    said = Lines()
    with BrokerStandIn() as served:
        code = broker.record_deployment(
            named(served), said.append, pacticipant="cortex-proxy", to="production", root=checkout
        )
    assert code == OK, said.text
    assert served.told.deployed == [f"production/cortex-proxy/{git(checkout, 'rev-parse', 'HEAD')}"]


@pytest.mark.parametrize("command", [broker.can_i_deploy, broker.record_deployment], ids=lambda each: each.__name__)
def test_without_a_broker_nobody_knows(command: object, checkout: Path) -> None:
    """A question to nobody is not answered with yes."""
    said = Lines()
    assert callable(command)
    assert command({}, said.append, pacticipant="cortex-proxy", to="production", root=checkout) == USAGE
    assert "only a broker knows" in said.text


# --- the environment -------------------------------------------------------------------------------------------------

PAIR = ":".join((WHO, WORD))
BASIC = dict(zip(("PACT_BROKER_USERNAME", "PACT_BROKER_PASSWORD"), (WHO, WORD), strict=True))


def test_a_user_and_a_password_will_do(checkout: Path) -> None:
    """Basic authentication goes with the command's requests and with our own."""
    expected = f"Basic {base64.b64encode(PAIR.encode()).decode()}"
    said = Lines()
    with BrokerStandIn(credential=expected) as served:
        assert broker.publish(named(served, **BASIC), said.append, verify=True, root=checkout) == OK, said.text
    assert served.told.credentials == {expected}


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PACT_BROKER_URL": "https://broker.example.com".replace("//", f"//{PAIR}@")}, "without credentials"),
        ({"PACT_BROKER_URL": "broker.example.com"}, "http"),
        (
            {"PACT_BROKER_URL": "https://broker.example.com", **BASIC, "PACT_BROKER_TOKEN": TOKEN},
            "found PASSWORD, TOKEN, USERNAME",
        ),
        ({"PACT_BROKER_URL": "https://broker.example.com", "PACT_BROKER_USERNAME": "u"}, "found USERNAME"),
    ],
    ids=["in the address", "no address", "both", "half"],
)
def test_a_confused_environment_is_refused(environment: Mapping[str, str], told: str) -> None:
    """Each mistake is named, and no secret is shown."""
    with pytest.raises(BrokerError, match=told) as refused:
        Broker.named_by(environment)
    assert TOKEN not in str(refused.value)
    assert WORD not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    """Neither a broker's own words nor a command's output hold them."""
    found = Broker.named_by({"PACT_BROKER_URL": "https://broker.example.com", "PACT_BROKER_TOKEN": TOKEN})
    assert found is not None
    assert TOKEN not in repr(found)
    assert found.hidden(f"said {TOKEN}") == "said ***"


def test_only_the_command_gets_the_credential() -> None:
    """Variables of that prefix that nobody asked for do not pass."""
    found = Broker("https://broker.example.com", {"TOKEN": TOKEN})
    passed = found.environment(
        {"PACT_BROKER_URL": "https://broker.example.com", "PACT_BROKER_USERNAME": "u", "HOME": "/"}
    )
    assert passed == {
        "HOME": "/",
        "PACT_BROKER_BASE_URL": "https://broker.example.com",
        "PACT_BROKER_TOKEN": TOKEN,
        "PACT_BROKER_HTTP_RETRIES": "3",
        "PACT_DO_NOT_TRACK": "true",
    }


# --- the version -----------------------------------------------------------------------------------------------------


def test_a_commit_without_a_branch_has_the_one_that_is_given(checkout: Path) -> None:
    """Build servers check out a commit; the branch is told to them otherwise."""
    git(checkout, "checkout", "--detach")
    assert version(checkout).branch is None
    assert version(checkout, "trunk").branch == "trunk"


def test_no_checkout_is_no_version(tmp_path: Path) -> None:
    """What is installed from a package cannot be published."""
    with pytest.raises(BrokerError, match="no checkout with a commit"):
        version(tmp_path)
