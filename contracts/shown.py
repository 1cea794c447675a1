"""Models that carry examples of themselves."""

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
