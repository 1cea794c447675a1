"""Results that are kept: in partitions, for their owner, within bounds."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from mocks.request import Refusal
from mocks.snowflake import results
from mocks.snowflake.results import Executions, Kept, Partition, carry_out, partitioned
from mocks.snowflake.sqlerrors import SqlError

KEPT = Kept((), (Partition(1, b"[[1]]", b""),))


class Clock:
    """A clock that tests move."""

    now_s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def finished(executions: Executions, owner: str = "ANN", request_id: str = "r", kept: Kept = KEPT) -> str:
    """The handle of a statement that is done."""
    execution = executions.open(owner, request_id)
    execution.kept = kept
    return execution.handle


def test_partitions_hold_whole_rows() -> None:
    """At most so many bytes, one row at least; all but the first are compressed."""
    made = partitioned([["a"], ["b"], ["x" * 50], ["c"]], 12)
    assert [each.row_count for each in made] == [2, 1, 1]
    assert made[0].rows == b'[["a"],["b"]]'
    assert made[0].info() == {"rowCount": 2, "uncompressedSize": 13}
    assert json.loads(gzip.decompress(made[1].compressed)) == {"data": [["x" * 50]]}
    assert made[1].info()["compressedSize"] == len(made[1].compressed)


def test_no_rows_are_one_partition() -> None:
    """An empty one."""
    assert [(each.row_count, each.rows) for each in partitioned([], 12)] == [(0, b"[]")]


def test_a_result_is_its_owners() -> None:
    """By handle and by request id; handles begin as Snowflake's do."""
    executions = Executions()
    handle = finished(executions)
    assert handle.startswith("01")
    assert executions.find(handle, "ANN") is executions.resubmitted("ANN", "r")
    assert executions.find(handle, "BOB") is None
    assert executions.resubmitted("BOB", "r") is None


def test_results_age() -> None:
    """After a day they are gone."""
    clock = Clock()
    executions = Executions(clock)
    handle = finished(executions)
    clock.now_s += results.KEPT_S + 1
    finished(executions, request_id="later")
    assert executions.find(handle, "ANN") is None
    assert executions.resubmitted("ANN", "r") is None


@pytest.mark.parametrize(("bound", "value"), [("MAX_KEPT", 3), ("KEPT_BYTES", 3 * KEPT.size)])
def test_results_are_bounded(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    """In number and bytes: the oldest go, those that run stay."""
    monkeypatch.setattr(results, bound, value)
    executions = Executions()
    running = executions.open("ANN", "running").handle
    handles = [finished(executions, request_id=str(number)) for number in range(6)]
    found = [handle for handle in handles if executions.find(handle, "ANN") is not None]
    assert found == handles[-len(found) :]
    assert len(found) <= 3
    assert executions.find(running, "ANN") is not None


def test_running_statements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is too many requests; a finished one makes room."""
    monkeypatch.setattr(results, "MAX_RUNNING", 1)
    executions = Executions()
    running = executions.open("ANN", "1")
    with pytest.raises(Refusal) as caught:
        executions.open("ANN", "2")
    assert (caught.value.status, caught.value.code) == (429, "390505")
    running.kept = KEPT
    executions.open("ANN", "2")


def test_what_came_of_it_stands_in_the_execution() -> None:
    """A result, an SQL error, a cancellation, or a defect of ours as an internal error."""

    async def ends(raises: BaseException | None) -> str:
        async def work() -> Kept:
            if raises is not None:
                raise raises
            return KEPT

        execution = Executions().open("ANN", "r")
        await carry_out(execution, work())
        return execution.error.code if execution.error is not None else "kept"

    outcomes = [None, SqlError("000904", "42000", "x"), asyncio.CancelledError(), ZeroDivisionError("secret")]
    assert [asyncio.run(ends(each)) for each in outcomes] == ["kept", "000904", "000604", "000603"]
