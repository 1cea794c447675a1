"""What the kernel says of a process, against what the process does."""

from __future__ import annotations

import resource
import threading
from pathlib import Path

import pytest

from contracts.telemetry import METRICS, PROCESS_CPU, Convention
from proxy import process


def test_every_figure_of_the_catalogue_is_known() -> None:
    """Each has a way to be found."""
    assert [metric for metric, _ in process.FIGURES] == [
        metric for metric in METRICS if metric.convention is Convention.PROCESS
    ]


def test_processor_time_is_all_threads() -> None:
    """As the kernel accounts for the process, and rising with what it does."""
    before_s = process.cpu_s()
    while process.cpu_s() < before_s + 0.02:
        sum(range(10_000))
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert process.cpu_s() == pytest.approx(used.ru_utime + used.ru_stime, abs=0.1)


def test_memory_is_what_is_resident() -> None:
    """A block that is written to is in it."""
    before = process.memory_bytes()
    block = bytearray(b"x" * 32 * 1024 * 1024)
    assert process.memory_bytes() - before > 0.9 * len(block)


def one_more_thread() -> float:
    """By how much the count rises when a thread is started."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    before = process.threads()
    thread.start()
    during = process.threads()
    end.set()
    thread.join()
    return during - before


def test_threads_are_counted() -> None:
    """One more shows as one more; those of earlier tests may end meanwhile, but not each time."""
    assert 1 in {one_more_thread() for _ in range(10)}


def one_more_file(path: Path) -> float:
    """By how much the count rises when a file is opened."""
    before = process.descriptors()
    with path.open("w"):
        return process.descriptors() - before


def test_descriptors_are_counted(tmp_path: Path) -> None:
    """An open file is one more, and looking is none; likewise."""
    assert 1 in {one_more_file(tmp_path / "x") for _ in range(10)}


def test_without_proc_little_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What cannot be found is left out, not shown as zero."""
    monkeypatch.setattr(process, "SELF", tmp_path / "absent")
    assert [metric for metric, _ in process.known()] == [PROCESS_CPU]
