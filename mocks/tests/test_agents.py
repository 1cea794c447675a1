"""Agent objects over real sockets: created, listed, described, replaced, dropped, run; and feedback on runs."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest

from contracts.cortex import agent_run_path
from mocks.snowflake import agents
from mocks.snowflake.agents import BENCH_AGENT, BENCH_SPEC, Agent, Agents, like, page
from mocks.stories import writer
from mocks.tests.running import NOW, QUESTION, RUN, Answer, RunningMock, run_body

SALES = "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents"
SALES_AGENT = f"{SALES}/SALES_AGENT"


class Objects:
    """The agent routes as one isolated test sees them."""

    def __init__(self, mock: RunningMock) -> None:
        self.mock, self.headers = mock, {"X-Test-Id": str(uuid.uuid4())}

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """One exchange with a JSON body."""
        return self.mock.call(method, path, None if body is None else json.dumps(body).encode(), self.headers)

    def create(self, name: str, query: str = "", **fields: Any) -> Answer:
        """Create an agent in the benchmark's schema."""
        return self.call("POST", f"{SALES}{query}", {"name": name, **fields})

    def names(self, query: str = "", path: str = SALES) -> list[str]:
        """The names that a list shows, in order."""
        return [agent["name"] for agent in self.call("GET", f"{path}{query}").json()]

    def run(self, path: str, question: str = QUESTION) -> Answer:
        """One agent run at full speed."""
        return self.mock.call("POST", path, run_body(question), {**NOW, **self.headers})


@pytest.fixture
def objects(mock: RunningMock) -> Objects:
    """The routes with the state that every test starts from."""
    return Objects(mock)


def made(name: str) -> Agent:
    """An agent of this name."""
    return Agent(("D", "S", name), "R", "2026-01-01T00:00:00.000+00:00", {})


def test_the_recorded_agent_exists_from_the_start(objects: Objects) -> None:
    """The benchmark's agent is listed and described, its specification a JSON string that names its tools."""
    (listed,) = objects.call("GET", SALES).json()
    described = objects.call("GET", SALES_AGENT).json()
    assert (listed["name"], listed["database_name"], listed["schema_name"]) == ("SALES_AGENT", *BENCH_AGENT[:2])
    assert listed["owner"] == "DEVELOPER_CORTEX"
    assert {**listed, "agent_spec": described["agent_spec"]} == described
    assert json.loads(described["agent_spec"]) == BENCH_SPEC


def test_the_bench_specification_names_what_recorded_runs_use() -> None:
    """Tools, view and model are those of the cassettes."""
    names = [tool["tool_spec"]["name"] for tool in BENCH_SPEC["tools"]]
    assert names[:2] == [writer.ANALYST, writer.DOCUMENTS] == list(BENCH_SPEC["tool_resources"])
    assert BENCH_SPEC["tool_resources"][writer.ANALYST]["semantic_view"] == writer.SEMANTIC_VIEW
    assert BENCH_SPEC["tool_resources"][writer.ANALYST]["execution_environment"] == writer.ENVIRONMENT
    assert BENCH_SPEC["models"] == {"orchestration": writer.MODEL}


def test_a_created_agent_is_described_as_given(objects: Objects) -> None:
    """Name upper-case, comment and profile beside the specification, unknown fields kept, nulls dropped."""
    spec: dict[str, Any] = {
        "models": {"orchestration": "auto"},
        "tools": [{"tool_spec": {"type": "t", "name": "n"}}],
        "new_field": 1,
    }
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    answer = objects.create("my_agent", comment="Mine", profile={"display_name": "My agent"}, skills=None, **spec)
    assert (answer.status, answer.json()) == (200, {"status": "Agent MY_AGENT successfully created."})
    found = objects.call("GET", f"{SALES}/my_AGENT").json()
    assert (found["name"], found["comment"], found["profile"]) == ("MY_AGENT", "Mine", {"display_name": "My agent"})
    assert json.loads(found["agent_spec"]) == spec
    assert datetime.datetime.fromisoformat(found["created_on"]) > before


@pytest.mark.parametrize(
    ("mode", "status", "comment"),
    [
        pytest.param("", 409, "first", id="default"),
        pytest.param("?createMode=errorIfExists", 409, "first", id="errorIfExists"),
        pytest.param("?createMode=ifNotExists", 200, "first", id="ifNotExists"),
        pytest.param("?createMode=orReplace", 200, "second", id="orReplace"),
        pytest.param("?createMode=OrReplace", 400, "first", id="unknown"),
    ],
)
def test_creating_what_exists(objects: Objects, mode: str, status: int, comment: str) -> None:
    """Fails, changes nothing or replaces, as the mode says."""
    assert objects.create("TWICE", comment="first").status == 200
    answer = objects.create("TWICE", mode, comment="second")
    assert answer.status == status
    assert (status == 200) == ("status" in answer.json())
    assert objects.call("GET", f"{SALES}/TWICE").json()["comment"] == comment


def test_a_conflict_is_snowflakes_error(objects: Objects) -> None:
    """Code, deprecated twin, message that names the agent, and a request id."""
    body = objects.create("SALES_AGENT").json()
    assert body["message"] == "Agent 'CORTEX_BENCH_DB.SALES.SALES_AGENT' already exists."
    assert body["code"] == body["error_code"] == "002002"
    assert str(uuid.UUID(body["request_id"])) == body["request_id"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no name"),
        pytest.param({"name": ""}, id="empty name"),
        pytest.param({"name": "my-agent"}, id="hyphen without quotes"),
        pytest.param({"name": '"open'}, id="half a quote"),
        pytest.param({"name": "A", "tools": {}}, id="tools are no list"),
        pytest.param({"name": "A" * 300}, id="long name"),
        pytest.param({"name": "A", "comment": "x" * agents.MAX_SPEC_BYTES}, id="large"),
    ],
)
def test_what_is_no_agent_is_refused(objects: Objects, body: dict[str, Any]) -> None:
    """400, and nothing is stored."""
    assert objects.call("POST", SALES, body).status == 400
    assert objects.names() == ["SALES_AGENT"]


def test_a_quoted_name_is_kept_as_written(objects: Objects) -> None:
    """Case, colon and slash included; without its quotes it is another agent."""
    assert objects.create('"my:agent/1"').status == 200
    assert objects.call("GET", f"{SALES}/%22my%3Aagent%2F1%22").json()["name"] == "my:agent/1"
    assert objects.call("GET", f"{SALES}/%22MY%3AAGENT%2F1%22").status == 404
    assert objects.call("DELETE", f"{SALES}/%22my:agent%2F1%22").status == 200


def test_a_replaced_agent_keeps_name_and_age(objects: Objects) -> None:
    """What the body leaves out is gone."""
    objects.create("A", comment="old", models={"orchestration": "auto"})
    before = objects.call("GET", f"{SALES}/A").json()
    answer = objects.call("PUT", f"{SALES}/A", {"instructions": {"response": "short"}})
    assert answer.json() == {"status": "Agent A successfully updated."}
    after = objects.call("GET", f"{SALES}/A").json()
    assert (after["name"], after["created_on"]) == (before["name"], before["created_on"])
    assert (after["comment"], json.loads(after["agent_spec"])) == ("", {"instructions": {"response": "short"}})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/NOPE"),
        ("PUT", "/NOPE"),
        ("DELETE", "/NOPE"),
        ("DELETE", "/NOPE?ifExists=false"),
        ("POST", "/NOPE:run"),
        ("POST", "/NOPE:feedback"),
    ],
)
def test_a_missing_agent_is_a_404(objects: Objects, method: str, path: str) -> None:
    """Whoever asks for it is told which name is meant."""
    answer = objects.call(method, f"{SALES}{path}", {"positive": True, "messages": [{"role": "user"}]})
    assert answer.status == 404
    assert "CORTEX_BENCH_DB.SALES.NOPE" in answer.json()["message"]


def test_dropping_what_may_be_missing(objects: Objects) -> None:
    """`ifExists=true` succeeds either way."""
    done = {"status": "Request successfully completed"}
    assert objects.call("DELETE", f"{SALES}/NOPE?ifExists=true").json() == done
    assert objects.call("DELETE", SALES_AGENT).json() == done
    assert objects.names() == []


def test_a_dropped_agent_does_not_run(objects: Objects) -> None:
    """404 until it is created again, which brings its recorded answers back; other tests never notice."""
    other = Objects(objects.mock)
    assert objects.run(RUN).status == 200
    objects.call("DELETE", SALES_AGENT)
    assert objects.run(RUN).status == 404
    assert other.run(RUN).status == 200
    objects.create("SALES_AGENT")
    assert objects.run(RUN).status == 200


def test_a_created_agent_runs(objects: Objects) -> None:
    """Without cassettes of its own path it misses, and says which recordings came nearest."""
    path = agent_run_path("CORTEX_BENCH_DB", "SALES", "NEW_AGENT")
    assert "does not exist" in objects.run(path).json()["message"]
    objects.create("new_agent")
    answer = objects.run(path)
    assert answer.status == 404
    assert "No recorded interaction answers" in answer.json()["message"]
    assert {each["field"] for each in answer.json()["mock"]["nearest"][0]["differences"]} == {"path"}


def test_a_schema_lists_its_own(objects: Objects) -> None:
    """By name; other schemas are elsewhere, and an unquoted schema is found in any case."""
    for name in ("ZEBRA", "apple", '"mango"'):
        objects.create(name)
    elsewhere = "/api/v2/databases/other_db/schemas/s/agents"
    objects.call("POST", elsewhere, {"name": "X"})
    assert objects.names() == ["APPLE", "SALES_AGENT", "ZEBRA", "mango"]
    assert objects.names("", "/api/v2/databases/cortex_bench_db/schemas/%22SALES%22/agents") == objects.names()
    assert objects.names("", "/api/v2/databases/OTHER_DB/schemas/S/agents") == ["X"]
    assert objects.names("?like=%25A%25&fromName=APP&showLimit=2") == ["SALES_AGENT", "ZEBRA"]


@pytest.mark.parametrize("limit", ["0", "10001", "ten", "-1", "1e3", "", "9" * 40])
def test_a_limit_is_checked(objects: Objects, limit: str) -> None:
    """From 1 to 10,000."""
    assert objects.call("GET", f"{SALES}?showLimit={limit}").status == 400


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("sales%", "SALES_AGENT", True),
        ("SALES", "SALES_AGENT", False),
        ("%agent", "SALES_AGENT", True),
        ("sales_agent", "SALESXAGENT", True),
        (r"sales\_agent", "SALESXAGENT", False),
        (r"100\%", "100%", True),
        (r"100\%", "1000", False),
        ("a*", "ABC", False),
        ("a[bc]", "AB", False),
        ("[x]?", "[X]?", True),
        ("", "A", False),
        ("%", "", True),
        ("straße", "STRASSE", True),
    ],
)
def test_like_is_sqls(pattern: str, name: str, fits: bool) -> None:
    """Percent and underscore are wild, a backslash takes that away, and nothing else is special."""
    assert like(pattern, name) is fits


def test_no_pattern_is_slow() -> None:
    """A pattern that makes a backtracking matcher explode is answered; one that backtracks would outlive the run."""
    assert not like("%a" * 100 + "b", "a" * 255)


@pytest.mark.parametrize(
    ("from_name", "limit", "names"),
    [
        (None, 2, ["A1", "A2"]),
        ("A2", 9, ["B1", "B2"]),
        ("A", 9, ["A2", "B1", "B2"]),
        ("b", 9, []),
        ("B2", 9, []),
        ("C", 9, []),
    ],
)
def test_a_page_goes_on_behind_a_name(from_name: str | None, limit: int, names: list[str]) -> None:
    """Behind the first name that begins with it, in its own case."""
    found = page([made(name) for name in ("A1", "A2", "B1", "B2")], None, from_name, limit)
    assert [agent.key[2] for agent in found] == names


def test_agents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is refused; replacing one is not."""
    monkeypatch.setattr(agents, "MAX_AGENTS", 2)
    known = Agents()
    known.seed([("D", "S", "A")], "R")
    known.put(made("B"))
    known.put(made("B"))
    with pytest.raises(ValueError, match="at most 2 agents"):
        known.put(made("C"))
    assert known.exists("d", "S", '"B"')
    assert not known.exists("d", "S", '"b"')


def test_seeding_happens_once() -> None:
    """A later look does not bring dropped agents back."""
    known = Agents()
    known.seed([("D", "S", "A")], "R")
    assert known.drop(("D", "S", "A"))
    known.seed([("D", "S", "A")], "R")
    assert not known.exists("D", "S", "A")
    assert not known.drop(("D", "S", "A"))


@pytest.mark.parametrize("name", ["orig_request_id", "request_id", "future_field"])
def test_feedback_is_taken(objects: Objects, name: str) -> None:
    """Under either name of the run's id, with everything else optional and nulls allowed."""
    body = {name: str(uuid.uuid4()), "positive": False, "feedback_message": "slow", "categories": ["x"], "thread_id": 7}
    for each in (body, {**body, "feedback_message": None, "categories": None, "thread_id": None}):
        answer = objects.call("POST", f"{SALES_AGENT}:feedback", each)
        assert (answer.status, answer.json()) == (200, {"status": "Feedback recorded"})


@pytest.mark.parametrize("body", [{}, {"positive": None}, {"positive": "perhaps"}, {"positive": True, "categories": 1}])
def test_feedback_is_checked(objects: Objects, body: dict[str, Any]) -> None:
    """Without a verdict there is none."""
    assert objects.call("POST", f"{SALES_AGENT}:feedback", body).status == 400


def test_other_methods_are_named(objects: Objects) -> None:
    """A run is no object: asking for it with GET names POST."""
    assert objects.call("GET", f"{SALES_AGENT}:run").headers["allow"] == "POST"
    assert objects.call("PATCH", SALES_AGENT).headers["allow"] == "DELETE, GET, HEAD, PUT"


def test_faults_of_runs_do_not_reach_objects(objects: Objects) -> None:
    """A stream that is cut after an event leaves lists alone."""
    objects.call("PUT", "/__mock/scenarios/active", {"scenario": "cut_mid_stream"})
    assert objects.names() == ["SALES_AGENT"]
