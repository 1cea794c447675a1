"""`cortex-harness anonymise` against what one writes in ten minutes: a loop over rows that asks Faker for every cell.

A table of customers is made (names, e-mail addresses, phones, postal addresses, IBANs, IP addresses, birthdays, and
business columns beside them) in two kinds: orders of few customers, in which values come again, and rows in which none
does, which is the worst case. The loop gets the first rows of the same table; each of its rows costs the same, so its
speed is that of a million. It runs before and after, and what counts is the processor's time: a machine may do other
things meanwhile.

What is compared is not the same work: the loop invents, whoever comes twice is two people afterwards. Ours parses,
keeps one person one fake under a key, writes parts to disk, and attests. One process each.
"""

from __future__ import annotations

import csv
import itertools
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.bench.figures import Figure, under

if TYPE_CHECKING:
    from faker import Faker

ROWS, FEWER_ROWS, LOOP_ROWS = 1_000_000, 250_000, 10_000
CUSTOMERS = 50_000
RATIO = 20.0
GROWTH_BAR_MB = 32.0
"""What four times as many rows may add to the peak: Arrow's allocator, and what a list of parts takes."""

KEY = bytes(range(32))
COLUMNS = {
    "ORDER_ID": "keep",
    "CUSTOMER": "{replace: person}",
    "EMAIL": "{replace: email}",
    "PHONE": "{replace: phone}",
    "ADDRESS": "{replace: address}",
    "IBAN": "{replace: iban}",
    "IP": "{replace: ip}",
    "BORN": "{replace: date_of_birth}",
    "ORDERED_ON": "keep",
    "PRODUCT": "keep",
    "QUANTITY": "keep",
    "NET_AMOUNT": "keep",
}
PRODUCTS = ("Espresso Roast 1 kg", "Café Crème 1 kg", "Single Origin Nº 7", "Decaf 500 g")


@dataclass(frozen=True, slots=True)
class Run:
    """What it took of the processor and of the clock, and the most memory that its process had."""

    cpu_s: float
    seconds: float
    peak_mb: float


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Rows per second of both, how many times as many ours does, and how its memory grows with the file."""
    rows: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as name:
        folder = Path(name)
        for what, customers in ((f"orders of {CUSTOMERS:,} customers", CUSTOMERS), ("rows without a repetition", 0)):
            rows += under(f"Anonymiser, CSV, {what}", _compare(folder, customers, say))
    return rows


def _compare(folder: Path, customers: int, say: Callable[[str], None]) -> list[Figure]:
    policy, fewer, all_rows = folder / "policy.yaml", folder / "fewer.csv", folder / "all.csv"
    policy.write_text("policy: 1\ncolumns:\n" + "".join(f"  {name}: {rule}\n" for name, rule in COLUMNS.items()))
    say(f"writing tables of {FEWER_ROWS:,} and {ROWS:,} rows")
    write_table(fewer, FEWER_ROWS, customers)
    write_table(all_rows, ROWS, customers)
    say("anonymising them, and replacing the first rows by a loop")
    loops = [_alone(loop, all_rows, folder / "loop.csv")]
    few, many = (_alone(ours, source, folder / f"safe-{source.name}", policy) for source in (fewer, all_rows))
    loops.append(_alone(loop, all_rows, folder / "loop.csv"))
    loop_per_s = LOOP_ROWS / statistics.mean(run.cpu_s for run in loops)
    return figures(loop_per_s, few, many)


def figures(loop_per_s: float, few: Run, many: Run) -> list[Figure]:
    """The table. A bar is the most that a figure may be, so the ratio is held as the loop's share of ours."""
    ours_per_s = ROWS / many.cpu_s
    return [
        Figure("rows per CPU-second: a loop with Faker", loop_per_s, "1/s"),
        Figure(f"rows per CPU-second: ours, {ROWS:,} rows", ours_per_s, "1/s"),
        Figure("the same on the clock", ROWS / many.seconds, "1/s"),
        Figure("ours, times as many", ours_per_s / loop_per_s, "x"),
        Figure(f"{RATIO:g} times the loop's, as a share of ours", RATIO * loop_per_s / ours_per_s, "", 1),
        Figure(f"peak memory, {FEWER_ROWS:,} rows", few.peak_mb, "MB"),
        Figure(f"more with {ROWS:,}", many.peak_mb - few.peak_mb, "MB", GROWTH_BAR_MB),
    ]


def _alone(work: Callable[..., Run], *arguments: Path) -> Run:
    """What a process of its own takes, its imports left out."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def ours(source: Path, target: Path, policy: Path) -> Run:
    """The whole command, from the file to the attested file."""
    from fixtures.files import run  # noqa: PLC0415 - in the process that is measured

    settings = run.Settings(key=KEY, policy=policy, table="ORDERS")
    watch = _Watch()
    run.anonymise_file(source, target, settings, lambda _advanced: None)
    return watch.read()


def loop(source: Path, target: Path) -> Run:
    """What one writes: a reader, a call of Faker for each cell that is personal, a writer."""
    from faker import Faker  # noqa: PLC0415 - as above

    fake = Faker()
    made: dict[str, Callable[[], Any]] = {
        "CUSTOMER": fake.name,
        "EMAIL": fake.email,
        "PHONE": fake.phone_number,
        "ADDRESS": fake.address,
        "IBAN": fake.iban,
        "IP": fake.ipv4,
        "BORN": fake.date_of_birth,
    }
    watch = _Watch()
    with source.open(encoding="utf-8", newline="") as read, target.open("w", encoding="utf-8", newline="") as written:
        reader = csv.DictReader(read)
        writer = csv.DictWriter(written, list(COLUMNS))
        writer.writeheader()
        for row in itertools.islice(reader, LOOP_ROWS):
            for name, replacement in made.items():
                row[name] = replacement()
            writer.writerow(row)
    return watch.read()


class _Watch:
    """Measures this process from now on."""

    def __init__(self) -> None:
        self._cpu_s, self._began = time.process_time(), time.perf_counter()

    def read(self) -> Run:
        return Run(time.process_time() - self._cpu_s, time.perf_counter() - self._began, _peak_mb())


def _peak_mb() -> float:
    """Of this process; the system counts kilobytes, on macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


# The table ------------------------------------------------------------------------------------------------------------


def write_table(path: Path, count: int, customers: int) -> None:
    """The file holds that many rows, of so many customers; with 0 each row is another one's.   Made up, seeded."""
    chance = random.Random(7)  # noqa: S311 - nothing secret is drawn
    people = _people(chance)
    known = list(itertools.islice(people, customers))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(count):
            who = chance.choice(known) if known else next(people)
            ordered_on = f"{chance.randrange(2020, 2026)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            amount = f"{chance.randrange(100, 900_000) / 100:.2f}"
            writer.writerow([number, *who, ordered_on, chance.choice(PRODUCTS), chance.randrange(1, 99), amount])


def _people(chance: random.Random) -> Iterator[Sequence[str]]:
    """Customers without end, whose words come from Faker's lists for three languages."""
    from faker import Faker  # noqa: PLC0415 - only where the part is measured
    from stdnum.iso7064 import mod_97_10  # noqa: PLC0415

    fake = Faker(["en_US", "de_DE", "fr_FR"])
    fake.seed_instance(7)
    firsts, lasts, streets, cities, hosts = _words(fake)
    for number in itertools.count():
        first, last = chance.choice(firsts), chance.choice(lasts)
        account = f"{chance.randrange(10**18):018d}"
        login = f"{first}.{last}".encode("ascii", "ignore").decode().lower().replace(" ", "")
        yield (
            f"{first} {last}",
            f"{login}{number}@{chance.choice(hosts)}",
            f"+49 {chance.choice((30, 40, 69, 89, 151, 160, 171))} {chance.randrange(10**6, 10**7)}",
            f"{chance.choice(streets)} {chance.randrange(1, 300)}, {number % 90_000 + 10_000} {chance.choice(cities)}",
            f"DE{mod_97_10.calc_check_digits(account + 'DE')}{account}",
            ".".join(str(chance.randrange(1, 255)) for _ in range(4)),
            f"{chance.randrange(1940, 2006)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
        )


def _words(fake: Faker) -> tuple[list[str], ...]:
    made = (
        (fake.first_name, 600),
        (fake.last_name, 900),
        (fake.street_name, 400),
        (fake.city, 300),
        (fake.domain_name, 300),
    )
    return tuple([[make() for _ in range(count)] for make, count in made])
