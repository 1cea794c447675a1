"""All stories, in the order in which a picker shows them best."""

from __future__ import annotations

from collections.abc import Callable

from mocks.cassette import Cassette
from mocks.stories import client, documents, endings, fixed, pictures

STORIES: tuple[Callable[[], Cassette], ...] = (
    fixed.net_sales_by_region,
    fixed.refund_deadline,
    pictures.three_charts,
    documents.citations,
    client.client_tool,
    documents.tool_not_accessible,
    endings.failure_mid_stream,
    endings.cancelled_run,
)
