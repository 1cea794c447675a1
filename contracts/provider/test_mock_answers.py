"""Every kind of answer of the stand-in has the fields, types and closed values that are written down for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.provider.mock_answers import ANSWERED, FAILING, SLOWLY, Asker, Case, Fields, fields, walk
from mocks import MockCortex
from mocks.assumptions import Assumptions

SLOW = 1000.0
"""As many times slower than recorded."""

FILE = Path(__file__).with_name("mock_answers.json")
CASES: dict[str, tuple[str, Case]] = {
    **{name: ("quick", case) for name, case in ANSWERED.items()},
    **{name: ("slow", case) for name, case in SLOWLY.items()},
    **{f"instead: {name}": (name, case) for name, case in FAILING.items()},
}

Ask = Callable[[str], Fields]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The fields of a kind of answer, asked for now."""
    with MockCortex(assume=Assumptions(sql_partition_bytes=300)) as quick, MockCortex(pace=SLOW) as slow:

        def asked(name: str) -> Fields:
            how, case = CASES[name]
            session = (slow if how == "slow" else quick).session(name)
            if how not in ("quick", "slow"):
                session.fault({"respond": how})
            try:
                return fields(case(Asker(session)))
            finally:
                session.release()

        yield asked


def written() -> dict[str, Fields]:
    """What is written down."""
    found: dict[str, Fields] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_stand_in_answers_as_written(name: str, ask: Ask, write_pacts: bool) -> None:
    """No field has another name or type, or another value where values are few; `--write-pacts` writes it down."""
    found, known = ask(name), written()
    if write_pacts:
        FILE.write_text(
            json.dumps({**known, name: found}, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8"
        )
    else:
        assert found == known.get(name), f"{FILE.name} says otherwise of {name!r}"


def test_nothing_is_written_that_nobody_asks() -> None:
    """Each kind of answer that is written down is one that is asked for."""
    assert sorted(written()) == sorted(CASES)


def test_fields_are_told_apart() -> None:
    """A renamed member, another type and another closed value are each a difference."""

    def told(value: object) -> set[tuple[str, str]]:
        return set(walk(value, "$"))

    known = told({"role": "user", "content": [{"text": "a"}]})
    assert told({"role": "user", "content": [{"text": "b"}]}) == known
    for other in ({"role": "assistant", "content": [{"text": "a"}]}, {"role": "user", "content": [{"word": "a"}]}):
        assert told(other) != known
    assert told({"role": "user", "content": [{"text": 1}]}) != known
