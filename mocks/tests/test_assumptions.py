"""Assumptions: each has a name, a default and a description, and a wrong one is refused with what is accepted."""

from __future__ import annotations

import pytest

from mocks.assumptions import Assumptions, parse
from mocks.state import HERE


def test_what_is_given_is_switched_and_the_rest_stays() -> None:
    """Values are texts, as on the command line."""
    switched = parse(["done_after_error=false", "network_block_status=401", "retry_after_s=3", "analyst_done="])
    assert switched == Assumptions(done_after_error=False, network_block_status="401", retry_after_s=3, analyst_done="")
    assert parse([]) == Assumptions()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param("done_after_eror=false", "did you mean 'done_after_error'", id="unknown"),
        pytest.param("strict_agent", "has no value; write name=value", id="no value"),
        pytest.param("strict_agent=perhaps", "strict_agent: Input should be a valid boolean", id="no boolean"),
        pytest.param(
            "network_block_status=404", "network_block_status: Input should be '401' or '403'", id="other value"
        ),
        pytest.param("keep_alive_comment_s=-1", "keep_alive_comment_s: Input should be greater than", id="negative"),
        pytest.param("=1", "unknown key", id="no name"),
    ],
)
def test_a_wrong_assumption_is_refused(given: str, says: str) -> None:
    """The message says which, and what is accepted."""
    with pytest.raises(ValueError, match=r"^assumption ") as refusal:
        parse([given])
    assert says in str(refusal.value)


def test_every_assumption_is_described() -> None:
    """A switch without words is of no use to whoever looks for one."""
    assert [name for name, field in Assumptions.model_fields.items() if not field.description] == []


def test_the_wire_reference_names_every_assumption() -> None:
    """Whoever reads what is open finds the switch beside it."""
    reference = (HERE.parent / "docs" / "cortex-wire.md").read_text(encoding="utf-8")
    assert [name for name in Assumptions.model_fields if f"[`{name}`]" not in reference] == []
