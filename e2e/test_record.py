"""A recording through the running stack: people's data go in, an attested cassette comes out, and it replays."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.cortex import agent_run_path
from e2e import bootstrap, keys
from e2e.client_api import Client
from e2e.recording import BUILD_TIMEOUT_S, Recorder
from e2e.stack import COMMAND, Child, Stack, StackError, await_answer, proxy_settings, running
from fixtures import attest
from mocks import drift
from mocks.cassette import (
    Cassette,
    Frame,
    Frames,
    Header,
    Interaction,
    Match,
    Request,
    ResponseHead,
    load,
    load_all,
    save,
)

pytestmark = pytest.mark.timeout(BUILD_TIMEOUT_S + 120)

RUN = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
NAME, EMAIL, PHONE = "Annelie Hoffmann", "annelie.hoffmann@contoso-gmbh.de", "+49 151 23456789"
IBAN, STRANGE = "DE89370400440532013000", "Zorblax Quentrill"
"""The last one is no name, as far as anybody knows, until it stands in a column of names."""

CANARIES = ("Annelie", "Hoffmann", "contoso", "23456789", "3704004405320130", "Zorblax", "Quentrill")
QUESTIONS = (f"Did {STRANGE} and {NAME} buy anything in 2025?", f"Write to {EMAIL} that we thank her")
SQL = f"SELECT full_name, email, net_amount FROM CORTEX_BENCH_DB.SALES.ORDERS WHERE full_name = '{NAME}'"  # noqa: S608
ROWS = [[NAME, EMAIL, "1250.50"], [STRANGE, "z@quentrill.example.net", "980.00"]]


def event(name: str, data: object) -> bytes:
    """A frame as Snowflake writes it."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def deltas(text: str, pieces: int = 7) -> list[bytes]:
    """A text in pieces, wherever they happen to cut it, and then whole."""
    size = -(-len(text) // pieces)
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    frames = [event("response.text.delta", {"content_index": 1, "text": each}) for each in cut]
    return [*frames, event("response.text", {"content_index": 1, "text": text})]


def answer(text: str) -> list[bytes]:
    """A run's stream with people everywhere: thinking, SQL, rows, chart and text."""
    row_type = [{"name": name, "type": "TEXT"} for name in ("FULL_NAME", "EMAIL", "NET_SALES")]
    result = {
        "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
        "sql": SQL,
        "result_set": {"data": ROWS, "resultSetMetaData": {"format": "jsonv2", "numRows": 2, "rowType": row_type}},
    }
    values = [{"FULL_NAME": name, "NET_SALES": float(amount)} for name, _, amount in ROWS]
    chart = {"mark": "bar", "encoding": {"x": {"field": "FULL_NAME"}}, "data": {"values": values}}
    tool = {
        "content_index": 0,
        "tool_use_id": "toolu_sql01",
        "type": "system_execute_sql",
        "name": "system_execute_sql",
    }
    return [
        event("response.thinking.delta", {"content_index": 0, "text": "The user asks about Anne"}),
        event("response.thinking.delta", {"content_index": 0, "text": f"lie Hoffmann, reachable at {PHONE}."}),
        event("response.tool_use", {**tool, "input": {"sql": SQL}}),
        event("response.tool_result", {**tool, "content": [{"type": "json", "json": result}], "status": "success"}),
        event("response.chart", {"content_index": 0, "chart_spec": json.dumps(chart)}),
        *deltas(text),
        event("response", {"role": "assistant", "content": [{"type": "text", "text": text}]}),
        b"event: done\ndata: [DONE]\n\n",
    ]


TEXTS = (
    f"{STRANGE} bought for 980.00, {NAME} for 1,250.50.",
    f"Dear {NAME}, thank you. We pay to {IBAN}. Call {PHONE}.",
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the upstream answers: made-up people."""
    folder = tmp_path_factory.mktemp("planted")
    header = Header(provenance="emulated", source="made up", about="people who do not exist")
    head = ResponseHead(status=200, headers={"Content-Type": "text/event-stream"})
    interactions = [
        Interaction(
            Request(method="POST", path=RUN, match=Match(last_user_text=question)),
            head,
            Frames(Frame(10.0 * at, data) for at, data in enumerate(answer(text), 1)),
        )
        for question, text in zip(QUESTIONS, TEXTS, strict=True)
    ]
    save(Cassette("people", header, tuple(interactions)), folder / "agents" / "people.jsonl")
    return folder


@dataclass(frozen=True)
class Recorded:
    """A finished recording."""

    path: Path
    status: int
    said: str
    answers: list[bytes]

    @property
    def tape(self) -> Cassette:
        """The cassette."""
        return load(self.path)


@contextlib.contextmanager
def between(folder: Path, planted: Path, *options: str, **variables: str) -> Iterator[tuple[Recorder, Stack]]:
    """The mock as upstream, a recorder before it, the proxy before that."""
    with contextlib.ExitStack() as cleanup:
        made = keys.ensure(folder / "state")
        mock_options = ["--port", "0", "--cassettes", str(planted), "--public-key", str(made.public_key)]
        mock = Child("mock", ["mock", *mock_options], {}, folder / "mock.log")
        cleanup.callback(mock.stop)
        mock_url = mock.url()
        recorder = Recorder(["--upstream", mock_url, *options], folder / "recorder.log", **variables)
        cleanup.callback(recorder.stop)
        settings = proxy_settings(recorder.url, made)
        proxy = Child("proxy", ["proxy", "--port", "0"], settings, folder / "proxy.log")
        cleanup.callback(proxy.stop)
        stack = Stack(mock_url, proxy.url(), (mock, proxy), folder)
        await_answer(f"{stack.proxy_url}/readyz")
        yield recorder, stack


def record(folder: Path, planted: Path, key: Path, *options: str, **variables: str) -> Recorded:
    """Ask every question through proxy, recorder and mock."""
    out = folder / "tapes" / "agents" / "people.jsonl"
    given = ("--out", str(out), "--key-file", str(key), "--about", f"asked by {NAME}", "--mode", "once", *options)
    with between(folder, planted, *given, **variables) as (recorder, stack):
        client = Client.opened(stack)
        answers = [client.chat({"message": question}).content for question in QUESTIONS]
        status = recorder.stop()
    return Recorded(out, status, recorder.said(), answers)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key of both recordings is; the first one makes it."""
    return tmp_path_factory.mktemp("keys") / "pseudonyms.key"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, planted: Path, key: Path) -> Recorded:
    """A recording of every question."""
    return record(tmp_path_factory.mktemp("first"), planted, key)


def test_the_client_sees_the_upstream_as_it_is(recorded: Recorded) -> None:
    """While it is recorded the page gets the originals; only the cassette is anonymised."""
    for got, text in zip(recorded.answers, TEXTS, strict=True):
        assert b"".join(answer(text)) in got


def test_the_recording_is_an_attested_cassette(recorded: Recorded) -> None:
    """It ends well, says what it did, and what it wrote proves itself."""
    assert recorded.status == 0, recorded.said
    attestation = attest.check(recorded.path)
    assert attestation is not None
    assert {"person", "email", "phone", "iban"} <= set(attestation.counts)
    assert f"{recorded.path}: {len(recorded.tape.interactions)} new interactions" in recorded.said
    assert [tape.header.provenance for tape in load_all(recorded.path.parent)] == ["recorded"]


def test_nobody_is_in_what_was_written_or_said(recorded: Recorded) -> None:
    """No part of a planted value stands anywhere in the file, however frames cut it, or on the terminal."""
    deltas_joined = "".join(re.findall(r'\\"text\\":\\"(.*?)\\"', recorded.path.read_text(encoding="utf-8")))
    for where in (recorded.path.read_text(encoding="utf-8"), deltas_joined, recorded.said):
        assert [canary for canary in CANARIES if canary.lower() in where.lower()] == []


def test_the_leak_scan_agrees(recorded: Recorded, key: Path) -> None:
    """`cortex-harness verify`, which has the key, finds no original and nothing that looks like one."""
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "verify", str(recorded.path), "--key-file", str(key)],
        env={**os.environ, **bootstrap.inherited()},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_frames_are_as_many_and_as_they_were(recorded: Recorded) -> None:
    """Events, their order and their number stay."""
    runs = [each for each in recorded.tape.interactions if each.request.path == RUN]
    assert [Frames.of(each.frames).names for each in runs] == [
        Frames(Frame(0.0, data) for data in answer(text)).names for text in TEXTS
    ]


def test_the_cassette_replays_behind_the_proxy(recorded: Recorded) -> None:
    """Whoever asks the anonymised question gets the anonymised answer, about the same people, in as many frames."""
    runs = [each for each in recorded.tape.interactions if each.request.path == RUN]
    folder = recorded.path.parents[1]
    with running(pace=0, strict=True, mock_arguments=("--cassettes", str(folder))) as stack:
        client = Client.opened(stack)
        for interaction in runs:
            got = client.chat({"message": interaction.request.match.last_user_text})
            assert got.status_code == 200
            assert interaction.body() in got.content


def test_one_person_stays_one_person(recorded: Recorded) -> None:
    """Question, SQL, rows, chart and text call each of them by the same new name."""
    run = next(each for each in recorded.tape.interactions if each.request.path == RUN)
    payloads: dict[str, Any] = {frame.event: json.loads(frame.payload) for frame in run.frames[:-1]}
    [anna, zorblax] = [row[0] for row in _rows(payloads["response.tool_result"])]

    assert f"= '{anna}'" in payloads["response.tool_use"]["input"]["sql"]
    chart = json.loads(payloads["response.chart"]["chart_spec"])
    assert [each["FULL_NAME"] for each in chart["data"]["values"]] == [anna, zorblax]
    assert payloads["response.text"]["text"] == f"{zorblax} bought for 980.00, {anna} for 1,250.50."
    assert run.request.match.last_user_text == f"Did {zorblax} and {anna} buy anything in 2025?"


def _rows(tool_result: dict[str, Any]) -> list[list[str]]:
    rows: list[list[str]] = tool_result["content"][0]["json"]["result_set"]["data"]
    return rows


def _without_times(path: Path) -> str:
    """The file without what a clock decides: times, and the digest of the lines that hold them."""
    return re.sub(r'"at_ms":[0-9.]+|"content":"sha256:[0-9a-f]+"', "", path.read_text(encoding="utf-8"))


def test_a_second_recording_with_the_same_key_is_the_same_file(
    recorded: Recorded, planted: Path, key: Path, tmp_path: Path
) -> None:
    """Apart from times every byte is the same, so a review of a re-recording shows what changed upstream."""
    again = record(tmp_path, planted, key)
    assert again.status == 0, again.said
    assert _without_times(again.path) == _without_times(recorded.path)
    assert drift.run(recorded.path, again.path, say=print, tolerance=drift.Tolerance(floor_ms=1000)) == 0


def test_a_second_recording_with_another_key_does_not_begin(recorded: Recorded, planted: Path, tmp_path: Path) -> None:
    """The same people would be others; the file stays as it is."""
    before = recorded.path.read_bytes()
    other = ("--key-file", str(tmp_path / "other.key"), "--out", str(recorded.path), "--mode", "new_episodes")
    with pytest.raises(StackError, match="recorded with the key"), between(tmp_path, planted, *other):
        pass
    assert recorded.path.read_bytes() == before


def test_a_stream_under_way_is_dropped_and_the_rest_is_saved(planted: Path, tmp_path: Path) -> None:
    """SIGTERM in mid-stream: what is whole is in the file, what is not is named."""
    out = tmp_path / "tape.jsonl"
    options = ("--out", str(out), "--key-file", str(tmp_path / "key"), "--mode", "all")
    with between(tmp_path, planted, *options) as (recorder, stack):
        client = Client.opened(stack)
        assert client.chat({"message": QUESTIONS[0]}).status_code == 200
        slow = client.chat({"message": QUESTIONS[1]}, baggage="mock.pace=100", stream=True)
        pieces = slow.iter_content(None)
        while b"response.thinking.delta" not in next(pieces):
            pass
        assert recorder.stop(signal.SIGTERM) == 0, recorder.said()
        slow.close()
    assert "POST run: the recording ended before its answer did" in recorder.said()
    assert [each.request.path for each in load(out).interactions].count(RUN) == 1
