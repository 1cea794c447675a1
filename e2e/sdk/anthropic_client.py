"""The Anthropic client at Snowflake's messages: whole, streamed with a tool, and refused for another's model.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import sys
from typing import Any

import anthropic

from e2e.sdk.keypair import token

MODEL = "claude-sonnet-4-6"
HELLO: Any = [{"role": "user", "content": "Hello"}]
ORDER: Any = [{"role": "user", "content": "What is in order 250001?"}]


def check_whole(messages: Any) -> None:
    """A message comes as one object."""
    whole = messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    assert whole.content[0].text.startswith("Hello! This is a recorded answer"), whole
    assert whole.stop_reason == "end_turn", whole


def check_tool(messages: Any) -> None:
    """A tool is called in mid-stream, and its result answered."""
    with messages.stream(model=MODEL, max_tokens=100, messages=ORDER) as stream:
        assert "".join(stream.text_stream) == "I look it up."
        final = stream.get_final_message()
    assert (final.stop_reason, final.content[1].input) == ("tool_use", {"order_id": 250001}), final
    result = {"type": "tool_result", "tool_use_id": final.content[1].id, "content": "{}"}
    said = {"role": "assistant", "content": "I look it up."}
    answer = messages.create(
        model=MODEL, max_tokens=100, messages=[*ORDER, said, {"role": "user", "content": [result]}]
    )
    assert "Espresso Machine One" in answer.content[0].text, answer


def check_refusal(messages: Any) -> None:
    """This form is for Claude alone."""
    try:
        messages.create(model="openai-gpt-4.1", max_tokens=100, messages=HELLO)
    except anthropic.BadRequestError:
        return
    raise AssertionError("a model that is not Claude answered")


def main(mock_url: str, key_file: str) -> None:
    """Everything, with the token as a bearer token."""
    with anthropic.Anthropic(base_url=f"{mock_url}/api/v2/cortex", auth_token=token(key_file), max_retries=0) as client:
        for check in (check_whole, check_tool, check_refusal):
            check(client.messages)
            print(check.__name__, "ok")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
