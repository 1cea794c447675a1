"""The OpenAI client at Snowflake's chat completions: whole, streamed, with a tool, and refused.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import sys
from typing import Any

import openai

from e2e.sdk.keypair import token

HELLO: Any = [{"role": "user", "content": "Hello"}]
ORDER: Any = [{"role": "user", "content": "What is in order 250001?"}]


def check_forms(chat: Any) -> None:
    """The whole answer is what the stream's pieces join to, whoever's model it is."""
    for model in ("claude-sonnet-4-6", "openai-gpt-4.1", "mistral-large2"):
        whole = chat.create(model=model, messages=HELLO, max_completion_tokens=100)
        said = whole.choices[0].message.content
        assert said.startswith("Hello! This is a recorded answer"), whole
        assert whole.usage.total_tokens > 0, whole
        pieces = [piece for piece in chat.create(model=model, messages=HELLO, stream=True) if piece.choices]
        assert len(pieces) > 2, pieces
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == said, pieces


def check_tool(chat: Any) -> None:
    """A tool is called, and its result answered."""
    message = chat.create(model="openai-gpt-4.1", messages=ORDER).choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_order", '{"order_id":250001}'), call
    result = {"role": "tool", "tool_call_id": call.id, "content": "{}"}
    more = [*ORDER, message.model_dump(exclude_none=True), result]
    answer = chat.create(model="openai-gpt-4.1", messages=more)
    assert "Espresso Machine One" in answer.choices[0].message.content, answer


def check_refusals(chat: Any) -> None:
    """What Snowflake refuses becomes the client's own errors."""
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"model": "gpt-9"}, openai.BadRequestError),
        ({"max_tokens": 10}, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": "nobody asked this"}]}, openai.NotFoundError),
    ]
    for changes, expected in wrong:
        try:
            chat.create(**{"model": "claude-sonnet-4-6", "messages": HELLO, **changes})
        except expected:
            continue
        raise AssertionError(f"{changes} was answered")


def main(mock_url: str, key_file: str) -> None:
    """Everything, with the token in the place of an API key."""
    with openai.OpenAI(base_url=f"{mock_url}/api/v2/cortex/v1", api_key=token(key_file), max_retries=0) as client:
        for check in (check_forms, check_tool, check_refusals):
            check(client.chat.completions)
            print(check.__name__, "ok")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
