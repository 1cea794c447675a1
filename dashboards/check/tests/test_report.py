"""The command reads files, and says what is wrong by file, in words or as JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from click.testing import CliRunner

from dashboards.check import RULES, Documents, faults, overview, run
from dashboards.check.__main__ import main
from dashboards.check.files import OURS
from dashboards.check.tests.made import BOARD, Raw, put, sound
from dashboards.check.tests.made import RULES as RULE_FILE

TESTS = """
rule_files: [rules.yaml]
evaluation_interval: 30s
tests:
  - name: calm
    interval: 30s
    input_series:
      - {series: 'cortex_proxy_stream_first_token_seconds_bucket{job="a",le="2.5"}', values: 0+1x40}
      - {series: 'cortex_proxy_stream_first_token_seconds_bucket{job="a",le="+Inf"}', values: 0+1x40}
    alert_rule_test:
      - {eval_time: 15m, alertname: FirstTokenSlow, exp_alerts: []}
"""


def write(folder: Path, change: Callable[[Raw], None] = lambda _: None) -> Path:
    """The sound documents as files, after a change."""
    raw = sound()
    change(raw)
    (folder / "d" / "runbooks").mkdir(parents=True)
    for path, document in raw["dashboards"].items():
        (folder / path).write_text(json.dumps(document))
    for path, document in {**raw["rules"], **raw["provisioning"], **raw["exclusions"]}.items():
        (folder / path).write_text(yaml.safe_dump(document))
    for path, text in raw["runbooks"].items():
        (folder / path).write_text(text)
    (folder / "d" / "tests.yaml").write_text(TESTS)
    return folder / "d"


def check(*paths: Path, **options: Any) -> tuple[int, str]:
    """The exit code and what is said."""
    said = list[str]()
    code = run(paths, say=said.append, **options)
    return code, "\n".join(said)


def test_a_sound_folder_is_passed_by_promtool_too(tmp_path: Path) -> None:
    """Files in order end with 0, their rules and the tests of their rules looked at by promtool."""
    assert check(write(tmp_path)) == (0, f"no faults in 9 files, by {len(RULES)} rules")


def test_faults_are_told_by_file_with_what_to_do(tmp_path: Path) -> None:
    """Each fault is one line under its file: where, what, what to do, which rule."""

    def change(raw: Raw) -> None:
        raw["dashboards"][BOARD]["editable"] = True
        raw["dashboards"][BOARD]["panels"][0]["description"] = ""

    code, said = check(write(tmp_path, change), promtool=False)
    assert code == 1
    assert said.splitlines() == [
        f"{tmp_path}/d/overview.json",
        "  editable is True; set editable to false [uneditable-dashboard]",
        "  overview/requests: no description; say what it shows and what is normal [panel-title-description-rule]",
        "",
        f"2 faults in 9 files, by {len(RULES)} rules, without promtool",
    ]


def test_json_is_for_machines(tmp_path: Path) -> None:
    """As JSON every part of a fault has a name."""
    path = write(tmp_path, lambda raw: raw["dashboards"][BOARD].update(editable=True))
    code, said = check(path, promtool=False, as_json=True)
    told = json.loads(said)
    assert (code, told["files"], told["errors"]) == (1, 9, [])
    assert told["faults"] == [
        {
            "rule": "uneditable-dashboard",
            "file": f"{tmp_path}/d/overview.json",
            "place": "",
            "found": "editable is True",
            "todo": "set editable to false",
        }
    ]


UNREADABLE: tuple[tuple[str, str, bytes, str], ...] = (
    ("not JSON", "a.json", b"{", "not JSON: "),
    ("not YAML", "a.yaml", b"groups: [", "not YAML: "),
    ("not text", "a.json", b"\xff\xfe", "cannot be read: "),
    ("none of ours", "a.json", b"[]", "neither a dashboard, rules, their tests nor provisioning"),
    ("too deep", "a.json", b"[" * 100_000, "nested too deep"),
    ("a newer form", "a.json", b'{"apiVersion": "dashboard.grafana.app/v2beta1", "spec": {}}', "export it as classic"),
)


@pytest.mark.parametrize(
    ("name", "text", "said"), [(n, t, s) for _, n, t, s in UNREADABLE], ids=[u[0] for u in UNREADABLE]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: bytes, said: str) -> None:
    """A file that is no document ends with 2, by name, and what else there is is checked all the same."""
    (tmp_path / name).write_bytes(text)
    code, told = check(tmp_path / name, write(tmp_path), promtool=False)
    assert code == 2
    assert f"cannot check: {tmp_path / name}: " in told
    assert said in told
    assert "in 9 files" in told


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is a fault of the command, not of a document."""
    code, said = check(tmp_path / "gone.json")
    assert (code, "gone.json: no such file or folder" in said) == (2, True)


def test_files_that_are_not_ours_are_passed_over_in_folders(tmp_path: Path) -> None:
    """A folder may hold other YAML and JSON; what was not looked at is listed."""
    folder = write(tmp_path)
    (folder / "package.json").write_text('{"name": "x"}')
    code, said = check(folder, promtool=False, as_json=True)
    assert (code, json.loads(said)["passed_over"]) == (0, [f"{tmp_path}/d/package.json"])


def test_what_grafanas_api_wraps_is_unwrapped(tmp_path: Path) -> None:
    """A dashboard as the API gives it is checked as a dashboard."""
    board = {**sound()["dashboards"][BOARD], "editable": True, "links": []}
    board["panels"] = board["panels"][1:]
    (tmp_path / "one.json").write_text(json.dumps({"meta": {}, "dashboard": board}))
    code, said = check(tmp_path / "one.json")
    assert (code, "[uneditable-dashboard]" in said) == (1, True)


def test_exceptions_beside_a_file_hold_for_it(tmp_path: Path) -> None:
    """The file named .lint next to a document is read with it."""

    def change(raw: Raw) -> None:
        raw["dashboards"][BOARD]["editable"] = True
        raw["exclusions"] = {"d/.lint": {"exclusions": {"uneditable-dashboard": {"reason": "a sketch"}}}}

    folder = write(tmp_path, change)
    assert check(folder, promtool=False)[0] == 0
    assert check(folder / "overview.json", folder / "logs.json", folder / "rules.yaml")[0] == 0


def test_rules_that_promtool_refuses_are_faults(tmp_path: Path) -> None:
    """What promtool says of a file is among the faults, in its words."""
    folder = write(tmp_path, lambda raw: raw["rules"][RULE_FILE]["groups"][0].update(speed=1))
    code, said = check(folder)
    assert code == 1
    assert "field speed not found" in said
    assert "[promtool/check-rules]" in said


def test_rules_whose_tests_fail_are_faults(tmp_path: Path) -> None:
    """A unit test of the rules that fails is told by its name."""

    def change(raw: Raw) -> None:
        one = raw["rules"][RULE_FILE]["groups"][0]["rules"][1]
        one["expr"] = one["expr"].replace("> 2.5", "< 2.5")
        raw["dashboards"][BOARD]["panels"][1]["fieldConfig"]["defaults"].pop("thresholds")

    code, said = check(write(tmp_path, change))
    assert code == 1
    assert [line for line in said.splitlines() if "[promtool/test-rules]" in line]
    assert "name: calm" in said


def test_without_promtool_the_command_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing promtool is an error of its own; who wants none says so."""
    folder = write(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = check(folder)
    assert (code, "promtool is not installed: install it with `apt-get install prometheus`" in said) == (2, True)
    assert check(folder, promtool=False)[0] == 0


@contextmanager
def prometheus(found: Callable[[str], Any]) -> Iterator[str]:
    """A server that answers instant queries as Prometheus does; what it finds is decided by the query."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(found("names"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(found(parse_qs(body)["query"][0]))

        def _send(self, data: Any) -> None:
            answer = json.dumps(data).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _names(query: str, count: int) -> Any:
    """What it answers: to the question for all names two, to any other so many series."""
    return {"data": ["up", "somebody_elses_total"]} if query == "names" else _answer(count)


def _answer(count: int) -> Any:
    return {"data": {"result": [{"metric": {}, "value": [0, str(count)]}] if count else []}}


def test_a_running_prometheus_is_asked_for_every_series(tmp_path: Path) -> None:
    """A selector that finds nothing there is a fault; what readers choose is left out of it."""
    asked = list[str]()

    def found(query: str) -> Any:
        asked.append(query)
        return _names(query, int("breaker_state" not in query))

    with prometheus(found) as url:
        code, said = check(write(tmp_path), promtool=False, prometheus=url)
    assert code == 1
    assert f"overview/breaker > A: cortex_proxy_breaker_state found nothing at {url}" in said
    assert "count(last_over_time(cortex_proxy_requests_total[1h]))" in asked
    assert not [each for each in asked if "grafana_var" in each]


def test_metrics_that_a_running_prometheus_has_are_known(tmp_path: Path) -> None:
    """Dashboards of other programs are checked against what is there, since no catalogue lists it."""

    def change(raw: Raw) -> None:
        one = raw["dashboards"][BOARD]["panels"][0]["targets"][0]
        one["expr"] = one["expr"].replace("cortex_proxy_requests_total", "somebody_elses_total")

    folder = write(tmp_path, change)
    assert "nothing is called somebody_elses_total" in check(folder, promtool=False)[1]
    with prometheus(lambda query: _names(query, 1)) as url:
        assert check(folder, promtool=False, prometheus=url)[0] == 0


def test_an_alert_that_floods_there_is_a_fault(tmp_path: Path) -> None:
    """An alert that would fire for hundreds of series now is told before anybody is woken."""
    with prometheus(lambda query: _names(query, 200)) as url:
        code, said = check(write(tmp_path), promtool=False, prometheus=url)
    assert (code, f"FirstTokenSlow: 200 alerts now at {url}" in said) == (1, True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "no Prometheus answers at http://127.0.0.1:9"),
        ("file:///etc/passwd", "is no address of a Prometheus"),
    ],
    ids=["nobody there", "no address"],
)
def test_a_prometheus_that_is_not_there_is_named(tmp_path: Path, url: str, said: str) -> None:
    """Not being able to ask is an error, not a list of missing series."""
    code, told = check(write(tmp_path), promtool=False, prometheus=url)
    assert (code, said in told) == (2, True)


def test_something_else_than_prometheus_is_named(tmp_path: Path) -> None:
    """An answer of another form is an error that names who answered."""
    with prometheus(lambda _: {"hello": "world"}) as url:
        code, told = check(write(tmp_path), promtool=False, prometheus=url)
    assert (code, f"{url} answers, but not as Prometheus does" in told) == (2, True)


def test_the_rules_are_a_table() -> None:
    """`--rules` prints every rule with what it checks and why."""
    result = CliRunner().invoke(main, ["--rules"])
    assert result.output.strip() == overview()
    assert all(f"| `{rule.name}` | " in result.output for rule in RULES)


def test_the_page_of_rules_is_current() -> None:
    """What the documentation says of the rules is what they say of themselves."""
    page = OURS.parent / "docs" / "dashboard-rules.md"
    assert page.read_text(encoding="utf-8") == overview() + "\n", (
        "python -m dashboards.check --rules > docs/dashboard-rules.md"
    )


def test_the_command_ends_with_its_code(tmp_path: Path) -> None:
    """What the command found is its exit code."""
    folder = write(tmp_path, lambda raw: raw["dashboards"][BOARD].update(editable=True))
    assert CliRunner().invoke(main, ["--no-promtool", str(folder)]).exit_code == 1


HOSTILE: tuple[Any, ...] = (None, 7, "x", [], {}, [None], {"a": None}, True, 1.5, "$", "{{", "/(", [["x"]], 'a{b=~"("}')
"""What may stand where something else is expected."""


def _paths(raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if len(path) >= 2:
        yield path
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def test_documents_of_any_form_are_borne() -> None:
    """Nothing in a document is trusted to have its form: whatever stands wherever, the check comes to its end."""
    exclusions = {"exclusions": {"uneditable-dashboard": {"reason": "x", "entries": [{"panel": "a"}]}}}
    whole = {**sound(), "exclusions": {"d/.lint": exclusions}}
    kinds = cycle(HOSTILE)
    for path in list(_paths(whole))[::3]:
        spoiled = deepcopy(whole)
        put(*path, to=next(kinds))(spoiled)
        faults(Documents(**spoiled))


def test_a_set_of_dashboards_is_checked_in_less_than_half_a_second() -> None:
    """Mutants by the thousand are affordable: nine dashboards of a dozen panels and their rules."""
    boards = {}
    for number in range(18):
        board = sound()["dashboards"][BOARD]
        board["uid"] = f"d-{number}"
        boards[f"d/board-{number}.json"] = board
    documents = Documents(boards, sound()["rules"])
    faults(documents)
    began = time.process_time()
    faults(documents)
    assert time.process_time() - began < 0.5
