"""Our detector against kept libraries, on the corpus' plain texts and on clean ones.

Ours is always measured; a library whenever it can be imported, so that the figures of
docs/decisions/0015-own-detection.md can be taken again in an environment that holds one:

    python -m e2e.bench.detectors

A planted value counts as missed when the oracle still finds something of it once everything that was found is blanked
out: the same yardstick for everybody, and kind to those who call a value by another name.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from e2e.bench.figures import Figure, Figures, under
from fixtures import corpus
from fixtures.anonymise import Anonymiser
from fixtures.corpora import clean, oracle
from fixtures.corpora.values import Value
from fixtures.detect import Detector
from fixtures.exchange import anonymise_exchange
from fixtures.kinds import Kind
from fixtures.policy import Policy
from fixtures.pseudonym import Pseudonyms

Span = tuple[int, int, str]
Find = Callable[[str], list[Span]]

OURS = "ours"
GROUPS = {
    "look-alikes, which are all false alarms": ("prose",),
    "answers, policies, queries, logs and code, too": ("answers", "policies", "queries", "logs", "code"),
    "pages, which hold public addresses and documented ids": ("pages",),
}
PHONE_REGIONS = ("DE", "US", "FR", "GB", "IT", "ES", "BR", "JP")
PRESIDIO_LANGUAGES = ("en", "de", "es", "it", "pl", "fi", "sv", "tr")
SCRUBADUB_LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that finds identifiers in plain text, and what it brings along."""

    name: str
    find: Find
    packages: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its name, of a library with its version."""
        return self.name if self.name == OURS else f"{self.name}, {importlib.metadata.version(self.packages[0])}"


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Figures of the whole anonymiser, of our detector and of every library at hand."""
    say("anonymising a corpus that nobody has seen")
    rows = under("Anonymiser, on a corpus drawn for today", [_survived(f"{datetime.now(UTC):%Y-%m-%d}")])
    for candidate in candidates():
        say(f"asking {candidate.name}")
        rows += under(candidate.title, _figures(candidate))
    return rows


def candidates() -> Iterator[Candidate]:
    """Ours, and each library that can be imported."""
    yield Candidate(OURS, _ours(), ("faker", "phonenumbers", "python-stdnum"))
    for module, name, make, packages in _LIBRARIES:
        if importlib.util.find_spec(module) is not None:
            yield Candidate(name, make(), packages)


def _survived(seed: str) -> Figure:
    """Of a corpus of this seed, the cases of which anything survives."""
    cases = corpus.cases(seed)
    pseudonyms, policy = Pseudonyms(b"a key that opens nothing at all."), Policy.load()
    left = [
        case
        for case in cases
        if corpus.survivors(anonymise_exchange(case.exchange, Anonymiser(pseudonyms, policy)), case)
    ]
    return Figure(f"identifiers of which something survives, of {len(cases)}, seed {seed}", len(left), "", 0)


def _figures(candidate: Candidate) -> list[Figure]:
    planted = list(corpus.spoken())
    missed = Counter(value.kind for value in planted if _is_missed(value, candidate.find))
    bar = 0 if candidate.name == OURS else None
    return [
        Figure(f"planted values missed, of {len(planted)}", sum(missed.values()), "", bar),
        *[Figure(f"  {kind}", missed[kind], "") for kind in Kind if missed[kind]],
        *[_unlisted(candidate.find, announced=announced) for announced in (True, False)],
        *_alarms(candidate.find),
        Figure("packages it needs, on disk", installed_mb(candidate.packages), "MB"),
    ]


def _unlisted(find: Find, *, announced: bool) -> Figure:
    names = corpus.held_out(announced=announced)
    how = "announced by words" if announced else "without context"
    return Figure(
        f"names in no list, {how}: missed, of {len(names)}", sum(_is_missed(name, find) for name in names), ""
    )


def _alarms(find: Find) -> Iterator[Figure]:
    """False alarms per 1,000 words, and what a KB takes."""
    spent_s, size = 0.0, 0
    for group, sorts in GROUPS.items():
        texts = [each for each in clean.texts() if each.sort in sorts]
        words = sum(each.words for each in texts)
        alarms: Counter[str] = Counter()
        started_s = time.perf_counter()
        for each in texts:
            alarms.update([name for _, _, name in find(each.text)])
        spent_s += time.perf_counter() - started_s
        size += sum(len(each.text.encode()) for each in texts)
        yield Figure(f"found per 1,000 of {words} words of {group}", 1000 * alarms.total() / words, "")
        for name, count in alarms.most_common():
            yield Figure(f"  {name}", 1000 * count / words, "")
    yield Figure("time per KB of text", 1000 * spent_s / (size / 1024), "ms")


def _is_missed(value: Value, find: Find) -> bool:
    """Whether anything of the value is left where everything that was found is blanked out."""
    text = value.spoken
    letters = list(text)
    for start, end, _ in find(text):
        letters[start:end] = " " * (end - start)
    return bool(oracle.survivors("".join(letters), (value.text, *value.parts)))


def installed_mb(packages: Iterable[str]) -> float:
    """What packages and everything they need take up on disk."""
    seen: set[str] = set()
    waiting = [*packages]
    size = 0
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [
            re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in distribution.requires or () if "extra" not in each
        ]
        places = (Path(str(each.locate())) for each in distribution.files or ())
        size += sum(place.stat().st_size for place in places if place.is_file())
    return size / 1024**2


# What can be asked


def _ours() -> Find:
    detector = Detector()
    return lambda text: [(each.start, each.end, str(each.kind)) for each in detector.find(text)]


def _presidio(*languages: str) -> Find:
    """Its recognisers of patterns, on pipelines without a model."""
    spacy = importlib.import_module("spacy")
    analyzer = importlib.import_module("presidio_analyzer")
    tldextract: Any = importlib.import_module("tldextract.tldextract")
    tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # the list it brings, no download
    engine: Any = importlib.import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine(
        models=[{"lang_code": each, "model_name": "blank"} for each in languages]
    )
    engine.nlp = {each: spacy.blank(each) for each in languages}
    for pipeline in engine.nlp.values():
        pipeline.max_length = 10_000_000
    registry = analyzer.RecognizerRegistry(supported_languages=list(languages))
    registry.load_predefined_recognizers(languages=list(languages))
    asked = analyzer.AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=list(languages), default_score_threshold=0.4
    )

    def find(text: str) -> list[Span]:
        found = [each for language in languages for each in asked.analyze(text, language)]
        return sorted({(each.start, each.end, each.entity_type.lower()) for each in found})

    return find


def _scrubadub() -> Find:
    library = importlib.import_module("scrubadub")
    scrubbers = [library.Scrubber(locale=each) for each in SCRUBADUB_LOCALES]

    def find(text: str) -> list[Span]:
        return sorted({(each.beg, each.end, each.type) for one in scrubbers for each in one.iter_filth(text)})

    return find


def _detect_secrets() -> Find:
    """Its scan of a file: asked line by line it takes every word for a quoted string."""
    scan = importlib.import_module("detect_secrets.core.scan")
    settings = importlib.import_module("detect_secrets.settings")

    def find(text: str) -> list[Span]:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file, settings.default_settings():
            file.write(text)
            file.flush()
            secrets = {(each.secret_value, each.type.lower()) for each in scan.scan_file(file.name)}
        places = [(found, kind) for value, kind in secrets if value for found in re.finditer(re.escape(value), text)]
        return sorted([(found.start(), found.end(), kind) for found, kind in places])

    return find


def _datafog() -> Find:
    library = importlib.import_module("datafog")
    return lambda text: [(each.start, each.end, each.type.lower()) for each in library.scan(text).entities]


def _phonenumbers() -> Find:
    library = importlib.import_module("phonenumbers")

    def find(text: str) -> list[Span]:
        found = [each for region in PHONE_REGIONS for each in library.PhoneNumberMatcher(text, region)]
        return sorted({(each.start, each.end, "phone") for each in found})

    return find


_LIBRARIES: tuple[tuple[str, str, Callable[[], Find], tuple[str, ...]], ...] = (
    ("presidio_analyzer", "presidio without a model, English", lambda: _presidio("en"), ("presidio-analyzer",)),
    (
        "presidio_analyzer",
        f"presidio without a model, {len(PRESIDIO_LANGUAGES)} languages",
        lambda: _presidio(*PRESIDIO_LANGUAGES),
        ("presidio-analyzer",),
    ),
    ("scrubadub", "scrubadub", _scrubadub, ("scrubadub",)),
    ("detect_secrets", "detect-secrets", _detect_secrets, ("detect-secrets",)),
    ("datafog", "datafog, regex engine", _datafog, ("datafog",)),
    ("phonenumbers", "phonenumbers alone", _phonenumbers, ("phonenumbers",)),
)


def main() -> None:
    """Print the figures."""
    with redirect_stderr(StringIO()):
        rows = measure(lambda _: None)
    sys.stdout.write(Figures("Detectors on the planted corpus and on clean texts", tuple(rows)).as_text() + "\n")


if __name__ == "__main__":
    main()
