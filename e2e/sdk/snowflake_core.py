"""snowflake.core over a connector's session: search, an agent's run, an inference, an embedding, and the catalogue.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import snowflake.connector
from snowflake.core import Root
from snowflake.core.cortex.inference_service import CompleteRequest
from snowflake.core.cortex.lite_agent_service import AgentRunRequest
from snowflake.core.exceptions import NotFoundError


def check_search(root: Any) -> None:
    """Documents come ranked, filtered and bounded; a service that is not there is not found."""
    services = root.databases["CORTEX_BENCH_DB"].schemas["SALES"].cortex_search_services
    found = services["SALES_DOCS_SVC"].search("refund deadline", columns=["TITLE", "REGION"], limit=3).results
    assert len(found) == 3, found
    assert found[0]["TITLE"].startswith("Refund policy"), found[0]
    only = {"@eq": {"REGION": "EMEA"}}
    regions = {hit["REGION"] for hit in services["SALES_DOCS_SVC"].search("delivery", ["REGION"], only).results}
    assert regions == {"EMEA"}, regions
    try:
        services["NO_SUCH_SVC"].search("x", ["TITLE"])
    except NotFoundError:
        return
    raise AssertionError("a service that does not exist was found")


def check_run(root: Any) -> None:
    """An inline agent's answer streams in as events."""
    message = {"role": "user", "content": [{"type": "text", "text": "What is the refund deadline?"}]}
    events = list(root.cortex_agent_service.run(AgentRunRequest.from_dict({"messages": [message]})).events())
    names = [event.event for event in events]
    assert "response" in names, names
    final = json.loads(next(event.data for event in events if event.event == "response"))
    assert final["status"] == "completed", final


def check_complete(root: Any) -> None:
    """A recorded completion arrives in pieces."""
    asked = {"model": "claude-sonnet-4-6", "messages": [{"content": "Hello"}], "stream": True}
    pieces = list(root.cortex_inference_service.complete(CompleteRequest.from_dict(asked)).events())
    texts = [json.loads(piece.data)["choices"][0]["delta"].get("content", "") for piece in pieces if piece.data]
    assert "".join(texts).strip(), pieces


def check_embed(root: Any) -> None:
    """Each text has a vector."""
    answer = root.cortex_embed_service.embed("snowflake-arctic-embed-m-v1.5", ["tea", "coffee"])
    assert len(answer.data) == 2, answer


def main(mock_url: str, key_file: str) -> None:
    """Everything, over one connection."""
    where = urlsplit(mock_url)
    connection = snowflake.connector.connect(
        account="MYORG-BENCH",
        user="CORTEX_PROXY_USER",
        authenticator="SNOWFLAKE_JWT",
        private_key_file=key_file,
        protocol="http",
        host=where.hostname,
        port=where.port,
        role="DEVELOPER_CORTEX",
        warehouse="CORTEX_BENCH_WH",
    )
    try:
        root = Root(connection)
        for check in (check_search, check_run, check_complete, check_embed):
            check(root)
            print(check.__name__, "ok")  # noqa: T201
    finally:
        connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
