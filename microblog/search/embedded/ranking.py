"""The order by relevance of hits whose indexed texts are read."""

from __future__ import annotations

from microblog.search.language import Term
from microblog.search.stemming import MARK

# BM25 (Robertson, Zaragoza 2009), without the weight of rare words: every hit holds all words anyway.
SATURATION, LENGTH_WEIGHT = 1.2, 0.75


def rank_best_first(terms: tuple[Term, ...], posts: list[tuple[int, str]]) -> list[int]:
    """Ids of these (id, indexed text), the best match first, and of equal ones the newest.

    Where a word is not there itself, its forms count as half of it, however many there are. Beside it they
    count nothing, since the language of a post, which makes its words forms, too, is no merit.
    """
    split = [(post_id, *text.partition(f" {MARK}")[::2]) for post_id, text in posts]
    average = sum(words.count(" ") + 1 for _, words, _ in split) / max(1, len(split))
    counted = [(build_counted_text(term), [f" {form[1:]} " for form in term.forms]) for term in terms]

    def score(words: str, forms: str) -> float:
        length = words.count(" ") + 1
        weight = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / average)
        words = f" {words.replace(' ', '  ')} "  # two spaces, since counted words must not overlap
        forms = f" {forms.replace(MARK, '')} "
        counts = (words.count(word) or any(form in forms for form in others) / 2 for word, others in counted)
        return sum(count * (SATURATION + 1) / (count + weight) for count in counts)

    scored = sorted(((score(words, forms), post_id) for post_id, words, forms in split), reverse=True)
    return [post_id for _, post_id in scored]


def build_counted_text(term: Term) -> str:
    """The string to count in a text to count the term; a phrase counts by its first word."""
    is_beginning = term.is_prefix and len(term.words) == 1
    return f" {term.words[0]}" if is_beginning else f" {term.words[0]} "
