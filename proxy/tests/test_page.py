"""The reference page: its files and nothing beside them, outside production only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import contracts
from proxy.tests.conftest import Keys, MakeApp
from proxy.tests.upstream import Exchange, Upstream


@pytest.fixture
def client(make_app: MakeApp, tmp_path: Path) -> FlaskClient:
    """A proxy with a small page; a secret lies beside its folder."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>hello", encoding="utf-8")
    (folder / "main.js").write_text("export {}", encoding="utf-8")
    (tmp_path / "secret.js").write_text("canary", encoding="utf-8")
    return make_app(page_dir=folder).test_client()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/client/main.js", "text/javascript; charset=utf-8"),
        ("/client/shared/index.js", "text/javascript; charset=utf-8"),
        ("/client/shared/generated/model.js", "text/javascript; charset=utf-8"),
    ],
)
def test_files_come_with_a_strict_policy(client: FlaskClient, path: str, content_type: str) -> None:
    """The page runs its own scripts only, is framed by nobody, and is asked for anew each time."""
    with client.get(path) as response:
        assert (response.status_code, response.content_type) == (200, content_type)
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/client/no.js",
        "/client/../secret.js",
        "/client/..%2fsecret.js",
        "/client/%2e%2e/secret.js",
        "/client//etc/passwd",
        "/client/..%5csecret.js",
        "/client/main.js%00.html",
        "/client/.",
        "/client/shared/no.js",
        "/client/shared/../package.json",
        "/client/shared/..%2fpackage.json",
        "/client/shared/..%2f..%2f..%2fsecret.js",
        "/client/shared//etc/passwd",
        "/client/shared/",
    ],
)
def test_nothing_outside_the_folder(client: FlaskClient, path: str) -> None:
    """No path leads out of the folders of page and client, and a miss is a problem like others."""
    response = client.get(path, follow_redirects=True)
    assert response.status_code == 404
    assert b"canary" not in response.data


def test_the_client_is_that_of_the_contract(client: FlaskClient) -> None:
    """What the page asks the API with is the package that belongs to this proxy's contract, byte for byte."""
    package = Path(contracts.__file__).parent / "shared" / "lib"
    with client.get("/client/shared/client.js") as response:
        assert response.data == (package / "client.js").read_bytes()


def test_a_range_that_cannot_be_is_no_failure_of_ours(client: FlaskClient) -> None:
    """A nonsensical Range header is the client's fault."""
    assert client.get("/client/main.js", headers={"Range": "bytes=900-999"}).status_code == 422


@pytest.mark.parametrize("path", ["/", "/client/main.js", "/client/shared/index.js", "/rehearsal.json"])
def test_production_has_none_of_it(make_app: MakeApp, keys: Keys, path: str) -> None:
    """Without a page's folder the routes are not there."""
    app = make_app(environment="production", client_key_file=keys.client_key)
    assert app.test_client().get(path).status_code == 404


def test_what_can_be_rehearsed(make_app: MakeApp, tmp_path: Path) -> None:
    """The stand-in's questions for this agent and its scenarios are told, and only the fields the page needs."""

    def answer(exchange: Exchange) -> None:
        question = {"text": "q", "about": "a", "story": "s", "provenance": "documented", "more": 1}
        documents: dict[str, Any] = {"/__mock/scenarios": [{"scenario": "cut", "about": "b", "fault": {}}]}
        exchange.json(documents.get(exchange.path, [question]))

    with Upstream(answer) as upstream:
        app = make_app(snowflake_url=upstream.url, page_dir=tmp_path)
        found = app.test_client().get("/rehearsal.json").get_json()
    assert found == {
        "mode": "rehearsal",
        "questions": [{"text": "q", "about": "a", "story": "s", "provenance": "documented"}],
        "scenarios": [{"name": "cut", "about": "b"}],
    }
    agent = "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run"
    assert upstream.seen[0].path == f"/__mock/questions?path={agent}"


def test_nothing_is_rehearsed_on_snowflake_itself(make_app: MakeApp, tmp_path: Path) -> None:
    """A live upstream is never asked for the mock's routes, and the page is told so."""
    app = make_app(snowflake_url="https://myorg-bench.snowflakecomputing.com", page_dir=tmp_path)
    answer = app.test_client().get("/rehearsal.json")
    assert (answer.status_code, answer.get_json()) == (200, {"mode": "live"})
