"""snowflake.core over a connector's session: search, an agent's run, an inference, an embedding, and the catalogue.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import snowflake.connector
from snowflake.core import Root
from snowflake.core.cortex.inference_service import CompleteRequest
from snowflake.core.cortex.lite_agent_service import AgentRunRequest
from snowflake.core.exceptions import APIError, NotFoundError

from e2e.sdk.keypair import ACCOUNT, ROLE, USER, WAREHOUSE


def check_search(root: Any) -> None:
    """Documents come ranked, filtered, scored and bounded; wrong columns and services are refused."""
    services = root.databases["CORTEX_BENCH_DB"].schemas["SALES"].cortex_search_services
    service = services["SALES_DOCS_SVC"]
    columns = ["DOC_ID", "TITLE", "MARKETS", "VALID_YEAR"]
    found = service.search("refund deadline", columns, filter={"@eq": {"REGION": "EMEA"}}, limit=2).results
    assert len(found) == 2, found
    expected = {"DOC_ID": "POL-7", "TITLE": "Refund policy", "MARKETS": ["EMEA"], "VALID_YEAR": "2024"}
    assert {name: found[0][name] for name in columns} == expected, found[0]
    assert set(found[0]["@scores"]) == {"cosine_similarity", "text_match", "reranker_score"}, found[0]
    by_column = service.search(None, ["DOC_ID"], limit=1, multi_index_query={"TITLE": [{"text": "refund"}]})
    assert by_column.results[0]["DOC_ID"] == "POL-7", by_column
    later = service.search_async("descaling", ["DOC_ID"], limit=1).result()
    assert later.results[0]["DOC_ID"] == "POL-37", later
    refuses(lambda: service.search("x", ["DOC_ID"], filter={"@eq": {"NOPE": 1}}), APIError)
    refuses(lambda: services["NO_SUCH_SVC"].search("x", ["TITLE"]), NotFoundError)


def check_runs(root: Any) -> None:
    """An inline agent's answer streams in as events, in today's form and in the one before."""
    asked = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is the refund deadline?"}]}]}
    events = list(root.cortex_agent_service.run(AgentRunRequest.from_dict(asked)).events())
    final = json.loads(next(event.data for event in events if event.event == "response"))
    assert final["status"] == "completed", final
    message = {"role": "user", "content": [{"type": "text", "text": "Net sales by country in 2025"}]}
    legacy = {"model": "claude-3-5-sonnet", "messages": [message]}
    events = list(root.cortex_agent_service.run(AgentRunRequest.from_dict(legacy)).events())
    assert (events[0].event, events[-1].data) == ("message.delta", "[DONE]"), events


def check_complete(root: Any) -> None:
    """A recorded completion arrives in pieces."""
    asked = {"model": "mistral-large2", "messages": [{"content": "Hello"}], "stream": True}
    pieces = list(root.cortex_inference_service.complete(CompleteRequest.from_dict(asked)).events())
    said = "".join(json.loads(piece.data)["choices"][0]["delta"].get("content", "") for piece in pieces)
    assert said.startswith("Hello! This is a recorded answer"), pieces


def check_embed(root: Any) -> None:
    """Equal texts have equal vectors."""
    answer = root.cortex_embed_service.embed("e5-base-v2", ["tea", "tea"])
    assert answer.data[0].embedding == answer.data[1].embedding, answer
    assert len(answer.data[0].embedding[0]) == 768, answer


def refuses(ask: Callable[[], object], expected: type[Exception]) -> None:
    """Fail unless asking fails in this way."""
    try:
        ask()
    except expected:
        return
    raise AssertionError(f"{expected.__name__} was expected")


def main(mock_url: str, key_file: str) -> None:
    """Everything, over one connection."""
    where = urlsplit(mock_url)
    connection = snowflake.connector.connect(
        account=ACCOUNT,
        user=USER,
        authenticator="SNOWFLAKE_JWT",
        private_key_file=key_file,
        protocol="http",
        host=where.hostname,
        port=where.port,
        role=ROLE,
        warehouse=WAREHOUSE,
    )
    try:
        root = Root(connection)
        for check in (check_search, check_runs, check_complete, check_embed):
            check(root)
            print(check.__name__, "ok")  # noqa: T201
    finally:
        connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
