"""Snowflake's Agent SDK against the mock: runs, streams, background runs, conversations, threads, errors.

Arguments: the mock's URL and a private key's path. The SDK is used as it is installed; `base_url` points it at the
mock, and a key-pair JWT, or a session of Snowflake's connector, lets it in.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

import snowflake.connector
from cortex_agent_sdk import AsyncCortexAgentClient, CortexAgentClient
from cortex_agent_sdk.api import CortexAgentClient as ApiClient
from cortex_agent_sdk.auth import KeyPairJwtAuth, SnowflakeSessionTokenAuth
from cortex_agent_sdk.errors import AuthenticationError, BadRequestError, ConflictError, NotFoundError
from cortex_agent_sdk.views.thread_message import ThreadMessageView

from e2e.sdk.keypair import ACCOUNT, USER, token

AGENT = {"database": "CORTEX_BENCH_DB", "schema": "SALES", "name": "SALES_AGENT"}
FIRST, SECOND = "How did net sales develop from 2023 to 2024?", "Only EMEA, please"
REAL_TIME = {"X-Mock-Pace": "1"}


def asks(question: str, **fields: Any) -> dict[str, Any]:
    """The body of a run."""
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": question}]}], **fields}


def refused(kind: type[Exception], call: Any, words: str) -> None:
    """The call fails in this way, and says so."""
    said = None
    try:
        call()
    except kind as error:
        said = str(error)
    assert said is not None, f"{kind.__name__} was expected"
    assert words in said, f"{words!r} is not in {said!r}"


def check_runs(client: ApiClient) -> None:
    """Streamed, as one object, of a version, inline; refusals become the SDK's own errors."""
    stream = client.agent.stream_data(asks("Net sales by region"), target=AGENT)
    assert stream.final_text().startswith("EMEA leads with 1,250.50")
    events = list(client.agent.run_data(asks("Net sales by region"), target=AGENT))
    assert [event["sequence_number"] for event in events if "sequence_number" in event] == list(range(1, 24))
    whole = client.agent.run_data(asks("What is the refund deadline?", stream=False), target=AGENT)
    assert whole.text == "Customers have 30 days."
    assert whole.content[-1]["annotations"][0]["doc_id"] == "POL-7"
    versioned = client.agent.stream_version(asks("Net sales by region"), target={**AGENT, "version": "LAST"})
    assert versioned.final_text() == stream.final_text()
    failing = client.agent.stream_data(asks("Forecast net sales for 2026"), target=AGENT)
    refused(Exception, failing.final_message, "Error during execution")
    missing = {**AGENT, "version": "VERSION$9"}
    refused(NotFoundError, lambda: client.agent.run_version(asks("x", stream=False), target=missing), "VERSION$9")
    refused(NotFoundError, lambda: client.agent.run_data(asks("x", stream=False), target={**AGENT, "name": "X"}), "X")
    wrong = asks("x", stream=False, models={"orchestration": "nobody"})
    refused(BadRequestError, lambda: client.agent.run(wrong), "Available models")


def check_threads(client: ApiClient) -> None:
    """Created, listed page by page, described, forked, renamed, searched, deleted."""
    made = [client.threads.create(origin_application="sdk_check")["thread_id"] for _ in range(3)]
    page = client.threads.list(origin_application="sdk_check", page_size=2)
    assert [thread["thread_id"] for thread in page] == made[::-1]
    assert client.threads.update(made[0], thread_name="Growth") == {"status": f"Thread {made[0]} successfully updated."}
    turn = {"thread_id": made[0], "stream": False}
    first = client.agent.run_data(asks(FIRST, parent_message_id=0, **turn), target=AGENT).metadata
    parent = first["assistant_message_id"]
    forks = [client.agent.run_data(asks(SECOND, parent_message_id=parent, **turn), target=AGENT) for _ in range(2)]
    described = client.threads.describe(made[0], page_size=4)
    assert described["metadata"]["thread_name"] == "Growth"
    views = [ThreadMessageView(message) for message in described["messages"]]
    newest = forks[1].metadata["assistant_message_id"], forks[1].metadata["user_message_id"]
    assert [view.message_id for view in views[:2]] == list(newest)
    assert [view.parent_id for view in views] == [newest[1], parent, forks[0].metadata["user_message_id"], parent]
    assert views[0].content == forks[1].content
    assert views[1].text == SECOND
    rest = client.threads.describe(made[0], last_message_id=views[-1].message_id)["messages"]
    assert [message["message_id"] for message in rest] == [parent, first["user_message_id"]]
    assert client.threads.search(query="growth")["threads"] == [{"thread_id": str(made[0])}]
    wrong = asks(SECOND, parent_message_id=first["user_message_id"], **turn)
    refused(BadRequestError, lambda: client.agent.run_data(wrong, target=AGENT), "is a user message")
    for thread_id in made:
        assert client.threads.delete(thread_id) == {"success": True}
    refused(NotFoundError, lambda: client.threads.describe(made[0]), "does not exist")


def check_background(client: ApiClient) -> None:
    """Started, waited for, replayed, cancelled; what was said before the cancellation is in the thread."""
    thread_id = client.threads.create()["thread_id"]
    body = asks("Net sales by region", thread_id=thread_id, parent_message_id=0, background=True, stream=False)
    run = client.agent.run_data(body, target=AGENT)
    assert run.initial_status == "in_progress"
    answer = run.wait(fallback_to_thread=False)
    assert answer.text.startswith("EMEA leads")
    assert answer.metadata["run_id"] == run.run_id == f"{thread_id}-{answer.metadata['user_message_id']}"
    assert len(list(client.runs.stream(run.run_id, starting_after=20))) == len(answer.events or ()) - 20
    refused(ConflictError, run.cancel, "already finished")
    refused(NotFoundError, lambda: client.runs.cancel("1-2"), "does not exist")
    follow_up = asks("Show me 2025 in three charts", thread_id=thread_id, background=True, stream=False)
    parent = {"parent_message_id": answer.metadata["assistant_message_id"]}
    slow = client.copy(default_headers=REAL_TIME)
    run = slow.agent.run_data(follow_up | parent, target=AGENT)
    stream = slow.runs.resume(run.run_id)
    events = iter(stream)
    while next(events)["event"] != "response.thinking.delta":
        pass
    cancelled = run.cancel().response_body["metadata"]
    *_, final = events
    assert (final["event"], final["status"]) == ("response", "cancelled")
    assert final["metadata"] == cancelled
    stored = ThreadMessageView(client.threads.describe(thread_id)["messages"][0])
    assert (stored.message_id, stored.status) == (cancelled["assistant_message_id"], "cancelled")
    assert stored.content[0]["type"] == "thinking"
    refused(ConflictError, run.cancel, "already cancelled")
    refused(BadRequestError, lambda: run.steer("m1", [{"type": "text", "text": "x"}]), "not enabled")


def check_conversation(client: CortexAgentClient) -> None:
    """The SDK's own way of talking: durable turns that find their parents, a tool of the client's, a branch."""
    agent: Any = {"type": "data", "spec": AGENT}
    talk = client.conversations.create(agent=agent)
    assert talk.send(FIRST).result().text.startswith("Net sales went from")
    first = talk.history()[0].message_id
    assert talk.send(SECOND).result().text.startswith("EMEA grew by")
    assert talk.branch(first).send(SECOND).result().text.startswith("EMEA grew by")
    assert len(talk.history()) == 6
    turn = talk.send("When do the daily figures close in my time zone?")
    (use,) = turn.client_tool_uses()
    told = talk.send_tool_results([(use, {"time_zone": "Europe/Berlin"})])
    assert told.result().text.startswith("Thank you, I now know your time zone.")
    talk.rename("Closing")
    talk.delete()


async def check_async(client: AsyncCortexAgentClient) -> None:
    """The asynchronous twin."""
    agent: Any = {"type": "data", "spec": AGENT}
    talk = await client.conversations.create(agent=agent)
    answer = await (await talk.send("Net sales by region")).result()
    assert answer.text.startswith("EMEA leads")
    assert [message.role for message in await talk.history()] == ["assistant", "user"]


def main(url: str, key_file: str) -> None:
    """Everything, with each credential that the SDK can carry here."""
    signed = {"base_url": url, "auth": KeyPairJwtAuth(lambda: token(key_file))}
    with ApiClient(**signed) as client:
        check_runs(client)
        check_threads(client)
        check_background(client)
    with CortexAgentClient(**signed) as talker:
        check_conversation(talker)
    asyncio.run(check_async(AsyncCortexAgentClient(**signed)))
    with ApiClient(base_url=url, auth=KeyPairJwtAuth("no.such.token")) as stranger:
        refused(AuthenticationError, stranger.threads.list, "JWT token is invalid")
    where = urlsplit(url)
    login: dict[str, Any] = {"account": ACCOUNT, "user": USER, "private_key_file": key_file}
    with snowflake.connector.connect(
        **login, protocol="http", host=where.hostname, port=where.port, authenticator="SNOWFLAKE_JWT"
    ) as session:
        rest: Any = session.rest
        client = ApiClient(base_url=url, auth=SnowflakeSessionTokenAuth(lambda: rest.token))
        check_threads(client)
        check_background(client)
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
