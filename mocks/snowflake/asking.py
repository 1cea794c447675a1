"""What a request for a completion asks, in the forms of Snowflake, OpenAI and Anthropic.

Apart from what answers it: a recorder reads requests, too, and has none of the libraries that answering takes.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from contracts.cortex import Wire
from mocks.matching import Asked


class Message(Wire):
    """One message, its content a text or a list of items."""

    role: str = "user"
    content: str | list[dict[str, Any]] | None = None
    content_list: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @property
    def items(self) -> list[dict[str, Any]]:
        """Its content as items."""
        if isinstance(self.content, str):
            return [{"type": "text", "text": self.content}, *(self.content_list or ())]
        return [*(self.content or ()), *(self.content_list or ())]

    @property
    def text(self) -> str | None:
        """Its text items, each once: one form says the same text in two places."""
        texts = [
            item["text"] for item in self.items if item.get("type") == "text" and isinstance(item.get("text"), str)
        ]
        return "\n".join(dict.fromkeys(texts)) if texts else None

    @property
    def answered_tool(self) -> str | None:
        """The call whose result this message brings, in any of the three forms."""
        if self.role == "tool":
            return self.tool_call_id
        for item in self.items:
            inner = item.get("tool_results") if item.get("type") == "tool_results" else item
            if item.get("type") in ("tool_results", "tool_result") and isinstance(inner, dict):
                return str(inner.get("tool_use_id"))
        return None


class CompletionRequest(Wire):
    """What the three forms have in common."""

    model: str = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None

    def asked(self, path: str) -> Asked:
        """The question that this request asks."""
        answered = self.messages[-1].answered_tool
        said = (each.text for each in reversed(self.messages) if each.role == "user")
        text = None if answered is not None else next((text for text in said if text is not None), None)
        return Asked("POST", path, last_user_text=text, tool_use_id=answered, model=self.model)
