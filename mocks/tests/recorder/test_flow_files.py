"""Flow files that mitmproxy writes are anonymised without it, and are flow files still."""

from __future__ import annotations

from pathlib import Path

import pytest
from mitmproxy import http, io
from mitmproxy.test import tflow

from fixtures.files.run import Settings, anonymise_file

MAIL = "anna.meier@web.de"


def _flows() -> list[http.HTTPFlow]:
    """Flows of every sort of HTTP: answered, failed, a websocket."""
    answered = tflow.tflow(resp=True)
    answered.request.path = f"/x?email={MAIL}"
    answered.request.headers["content-type"] = "application/json"
    answered.request.text = f'{{"email": "{MAIL}"}}'
    assert answered.response is not None
    answered.response.headers["content-type"] = "application/json"
    answered.response.headers["content-encoding"] = "gzip"
    answered.response.text = f'{{"to": "{MAIL}"}}'
    answered.comment = MAIL
    return [answered, tflow.tflow(err=True), tflow.twebsocketflow()]


@pytest.fixture
def read(tmp_path: Path) -> list[http.HTTPFlow]:
    """What mitmproxy reads of its own flows after they were anonymised."""
    source, target = tmp_path / "t.flow", tmp_path / "o.flow"
    with source.open("wb") as file:
        writer = io.FlowWriter(file)
        for flow in [*_flows(), tflow.ttcpflow()]:
            writer.add(flow)
    anonymise_file(source, target, Settings(key=bytes(32)), lambda _advanced: None)
    with target.open("rb") as file:
        return [flow for flow in io.FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]


def test_mitmproxy_reads_what_comes_out(read: list[http.HTTPFlow]) -> None:
    """As many flows of HTTP, which it can write and copy again."""
    assert len(read) == 3
    for flow in read:
        assert flow.copy().get_state()["request"] == flow.get_state()["request"]
    assert [flow.websocket is not None for flow in read] == [False, False, True]


def test_bodies_and_addresses_agree(read: list[http.HTTPFlow]) -> None:
    """Request, query and answer name one person, who is not the one that was recorded."""
    flow = read[0]
    assert flow.response is not None
    mail = flow.request.json()["email"]
    assert mail == flow.request.query["email"] == flow.response.json()["to"] != MAIL
    assert flow.response.raw_content == flow.response.content
    assert MAIL not in str(flow.get_state())
