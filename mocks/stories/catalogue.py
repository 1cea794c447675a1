"""All stories, in the order in which a demonstration would tell them."""

from __future__ import annotations

from collections.abc import Callable

from mocks.cassette import Cassette
from mocks.stories import (
    client,
    conversation,
    documents,
    endings,
    fixed,
    inference,
    inline,
    languages,
    legacy,
    months,
    pictures,
    queries,
    review,
)

STORIES: tuple[Callable[[], Cassette], ...] = (
    fixed.net_sales_by_region,
    months.long_thinking,
    pictures.three_charts,
    fixed.refund_deadline,
    documents.citations,
    conversation.conversation_three_turns,
    conversation.elicitation,
    review.long_answer,
    queries.sql_fails_twice,
    queries.large_table,
    queries.classic_analyst,
    client.client_tool,
    documents.tool_not_accessible,
    languages.unicode_answer,
    endings.cancelled_run,
    endings.failure_mid_stream,
    legacy.legacy_message_delta,
    inline.inline_agent,
    inference.hello,
    inference.summary,
    inference.structured,
    inference.unicode_reply,
    inference.order_tool,
    inference.failing_stream,
)
