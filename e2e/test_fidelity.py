"""What reaches the client is what the cassette holds: every story, through the mock alone and through both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cortex import INLINE_RUN_PATH
from e2e.client_api import Client, ask_mock, client_request, snowflake_request
from e2e.stack import Stack, running
from mocks.cassette import Frame, Interaction, load_all
from mocks.ids import Place, read
from mocks.state import HERE

STORIES = [
    pytest.param(interaction, id=f"{tape.name}-{number}")
    for tape in load_all(HERE / "cassettes")
    if tape.name.startswith("agents/")
    for number, interaction in enumerate(tape.interactions)
]
IN_THREADS = [
    pytest.param(interaction, id=f"{tape.name}-{number}")
    for tape in load_all(HERE / "cassettes")
    for number, interaction in enumerate(tape.interactions)
    if read(interaction.frames).ids and interaction.request.match.parent_message_id is None
]
"""Recorded in a thread, and asked there without regard to what came before."""

LEGACY_MODEL = "claude-3-5-sonnet"


@pytest.fixture(scope="module")
def legacy_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A proxy whose agent is an inline, legacy configuration."""
    config = tmp_path_factory.mktemp("agent") / "agent.json"
    config.write_text(json.dumps({"model": LEGACY_MODEL}))
    with running(pace=0, proxy_environment={"CORTEX_PROXY_AGENT_CONFIG_FILE": str(config)}) as stack:
        yield stack


def own_frames_removed(body: bytes) -> bytes:
    """The upstream's part of a chat stream: between proxy.start and proxy.end, or the problem before that."""
    start, _, rest = body.partition(b"\n\n")
    upstream, mark, end = rest.rpartition(b"event: proxy.end\n")
    upstream = upstream.partition(b'event: error\ndata: {"type":')[0]
    assert start.startswith(b"event: proxy.start\n")
    assert mark
    assert end.endswith(b"\n\n")
    return upstream


def test_there_are_at_least_fourteen_stories() -> None:
    """The catalogue of stories has not shrunk."""
    assert len({str(story.id).rpartition("-")[0] for story in STORIES}) >= 14


@pytest.mark.parametrize("interaction", STORIES)
def test_mock_plays_every_byte(stack: Stack, interaction: Interaction) -> None:
    """The mock's answer is the cassette's, byte for byte."""
    answer = ask_mock(stack, interaction.request.path, snowflake_request(interaction))

    assert answer.status_code == interaction.response.status
    assert answer.headers["Content-Type"] == interaction.response.headers["Content-Type"]
    assert answer.content == interaction.body()


@pytest.mark.parametrize("interaction", STORIES)
def test_proxy_passes_every_byte(stack: Stack, legacy_stack: Stack, interaction: Interaction) -> None:
    """Between the proxy's own first and last frame the answer is the cassette's, byte for byte."""
    serving = legacy_stack if interaction.request.path == INLINE_RUN_PATH else stack

    answer = Client.opened(serving).chat(client_request(interaction), baggage="mock.pace=0")

    assert answer.status_code == 200, answer.text
    assert own_frames_removed(answer.content) == interaction.body()


@pytest.mark.parametrize("interaction", IN_THREADS)
def test_a_created_thread_changes_only_ids(stack: Stack, interaction: Interaction) -> None:
    """A thread that the proxy opens has ids of its own; with the recorded ones put back, every byte is as recorded."""
    request = client_request(interaction) | {"parentMessageId": 0}

    answer = Client.opened(stack).chat(request, baggage="mock.pace=0")

    assert answer.status_code == 200, answer.text
    thread_id = json.loads(answer.content.partition(b"data: ")[2].partition(b"\n")[0])["threadId"]
    frames = tuple(Frame(0.0, each + b"\n\n") for each in own_frames_removed(answer.content).split(b"\n\n")[:-1])
    told, recorded = read(frames), read(interaction.frames).ids
    assert told.ids["thread_id"] == thread_id
    assert told.ids["run_id"] == f"{thread_id}-{told.ids['user_message_id']}"
    place = Place(*(int(recorded[name]) for name in ("thread_id", "user_message_id", "assistant_message_id")))
    assert b"".join(frame.data for frame in told.at(place)) == interaction.body()


def test_no_story_is_called_recorded() -> None:
    """Nobody here has an account: every shipped cassette says that it was written from documents."""
    folder: Path = HERE / "cassettes"
    assert {tape.header.provenance for tape in load_all(folder)} == {"documented"}
