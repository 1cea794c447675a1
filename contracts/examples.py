"""Models that carry examples of themselves, and the names and figures that the examples share.

They are those of the rehearsal data, so that every example tells the same story: net sales by region.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Examples = Mapping[str, Any]
"""Values as they travel, by what they show."""


class Shown(BaseModel):
    """Base of models with examples: `EXAMPLES` belongs to the class that sets it, and goes into its JSON Schema."""

    EXAMPLES: ClassVar[Examples] = {}

    @classmethod
    def examples(cls) -> Examples:
        """The model's own examples; none of its bases'."""
        return cls.EXAMPLES if "EXAMPLES" in vars(cls) else {}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(core_schema)
        if shown := cls.examples():
            handler.resolve_ref_schema(made)["examples"] = list(shown.values())
        return made


SESSION_ID = "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
TURN_ID = "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST_ID = "2f1d5c776b0f4f0e9d0e3a7a6a144a55"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
SNOWFLAKE_ID = "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10"
QUERY_ID = "01bd4f00-0000-1a2b-0000-000000000101"
HANDLE = "c2VhbGVkLWhhbmRsZS1vZi1hLXN0YXRlbWVudA"
TOOL_USE_ID = "toolu_sql01"
QUESTION = "Net sales by region"
FOLLOW_UP = "How did EMEA develop month by month?"
ANSWER = "EMEA leads with 1,250.50, APAC follows with 980.00."
READING = "This is how I read the question: net sales per region for 2025."
STATEMENT = "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
BOUND_STATEMENT = STATEMENT.replace("2025", "?")
USAGE = {"inputTokens": 5100, "cachedTokens": 1200, "outputTokens": 420}
ROWS = [{"REGION": "EMEA", "NET_SALES": 1250.5}, {"REGION": "APAC", "NET_SALES": 980}]
CELLS = [
    ["EMEA", "1250.50"],
    ["APAC", "980.00"],
]
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "mark": "bar",
    "encoding": {
        "x": {"field": "REGION", "type": "nominal"},
        "y": {"field": "NET_SALES", "type": "quantitative"},
    },
    "data": {"values": ROWS},
}
