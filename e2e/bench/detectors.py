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
from io import StringIO
from typing import Any

from e2e.bench.figures import Figure, Figures, under
from fixtures import corpus
from fixtures.corpora import clean, oracle
from fixtures.corpora.values import Value
from fixtures.detect import Detector
from fixtures.kinds import Kind

Span = tuple[int, int, str]
Find = Callable[[str], list[Span]]

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
    def version(self) -> str:
        """Of its first package."""
        return importlib.metadata.version(self.packages[0]) if self.packages else ""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Figures of ours and of every library at hand."""
    rows = []
    for candidate in candidates():
        say(f"asking {candidate.name}")
        rows += under(f"{candidate.name} {candidate.version}".strip(), _figures(candidate))
    return rows


def candidates() -> Iterator[Candidate]:
    """Ours, and each library that can be imported."""
    yield Candidate("ours", _ours(), ("faker", "phonenumbers", "python-stdnum"))
    for module, name, make, packages in _LIBRARIES:
        if importlib.util.find_spec(module) is not None:
            yield Candidate(name, make(), packages)


def _figures(candidate: Candidate) -> list[Figure]:
    is_ours = candidate.name == "ours"
    planted, unlisted = list(corpus.spoken()), corpus.held_out()
    missed = [value for value in planted if _is_missed(value, candidate.find)]
    alarms, words, seconds_per_kb = _alarms(candidate.find, clean.texts())
    kinds = Counter(value.kind for value in missed)
    return [
        Figure(f"planted values missed, of {len(planted)}", len(missed), "", 0 if is_ours else None),
        *[Figure(f"  {kind}", kinds[kind], "") for kind in Kind if kinds[kind]],
        Figure(
            f"names in no list missed, of {len(unlisted)}", sum(_is_missed(v, candidate.find) for v in unlisted), ""
        ),
        Figure(f"false alarms per 1,000 of {words} clean words", 1000 * sum(alarms.values()) / words, ""),
        *[Figure(f"  {name}", 1000 * count / words, "") for name, count in alarms.most_common()],
        Figure("time per KB of text", 1000 * seconds_per_kb, "ms"),
        Figure("packages it brings, with what they need", installed_mb(candidate.packages), "MB"),
    ]


def _is_missed(value: Value, find: Find) -> bool:
    """Whether anything of the value is left where everything that was found is blanked out."""
    text = value.spoken
    letters = list(text)
    for start, end, _ in find(text):
        letters[start:end] = " " * (end - start)
    return bool(oracle.survivors("".join(letters), (value.text, *value.parts)))


def _alarms(find: Find, texts: Iterable[clean.Clean]) -> tuple[Counter[str], int, float]:
    """What is found in clean texts by name, their words, and the seconds that a KB takes."""
    alarms: Counter[str] = Counter()
    words = size = 0
    spent_s = 0.0
    for each in texts:
        started_s = time.perf_counter()
        found = find(each.text)
        spent_s += time.perf_counter() - started_s
        alarms.update([name for _, _, name in found])
        words += each.words
        size += len(each.text.encode())
    return alarms, words, spent_s / (size / 1024)


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
        size += sum(file.stat().st_size for each in distribution.files or () if (file := each.locate()).is_file())  # type: ignore[attr-defined]
    return size / 1024**2


# What can be asked


def _ours() -> Find:
    detector = Detector()
    return lambda text: [(each.start, each.end, str(each.kind)) for each in detector.find(text)]


def _presidio() -> Find:
    """Its recognisers of patterns in every language it has some for, on pipelines without a model."""
    spacy = importlib.import_module("spacy")
    analyzer = importlib.import_module("presidio_analyzer")
    tldextract: Any = importlib.import_module("tldextract.tldextract")
    tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # the list it brings, no download
    engine: Any = importlib.import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine(
        models=[{"lang_code": each, "model_name": "blank"} for each in PRESIDIO_LANGUAGES]
    )
    engine.nlp = {each: spacy.blank(each) for each in PRESIDIO_LANGUAGES}
    for pipeline in engine.nlp.values():
        pipeline.max_length = 10_000_000
    registry = analyzer.RecognizerRegistry(supported_languages=list(PRESIDIO_LANGUAGES))
    registry.load_predefined_recognizers(languages=list(PRESIDIO_LANGUAGES))
    asked = analyzer.AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=list(PRESIDIO_LANGUAGES), default_score_threshold=0.4
    )

    def find(text: str) -> list[Span]:
        found = [each for language in PRESIDIO_LANGUAGES for each in asked.analyze(text, language)]
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
    ("presidio_analyzer", "presidio, no model", _presidio, ("presidio-analyzer",)),
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
