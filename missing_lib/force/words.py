"""Texts as words, and words as numbers, so that a million of them can be looked for at once.

A word is a run of letters and digits in any script, in small letters. Digits that a sign joins
(``14/03/2015``, ``10:05``, ``7.25``, ``1,234``) are one word, so that a date is not three numbers
of a table, and the places of a decimal are not an identifier.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Longest run of words that is looked for as one; a longer text is cut into such runs.
LONGEST = 6

_WORD = re.compile(r"\d{1,3}(?:,\d{3})+(?![^\W_])|\d+(?:[-/.:]\d+)+|[^\W_]+")
#: What stands between a date and a clock time, and the seconds, which are left out.
_CLOCK = re.compile(r"(?<=\d)[tT ](\d\d:\d\d):\d\d(?:\.\d+)?")
_WHOLE = re.compile(r"(\d+)\.0+")
_STEP = np.uint64(0x9E3779B97F4A7C15)


def words_of(text: str) -> list[str]:
    """The words of a text, in order.

    Examples
    --------
    >>> words_of("MIS/2015/00123, O'Neill, 2015-03-14T10:05:00Z: 1,250 of 7.0")
    ['mis', '2015/00123', 'o', 'neill', '2015-03-14', '10:05', 'z', '1,250', 'of', '7']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found = _WORD.findall(_CLOCK.sub(r" \1", text).casefold())
    return [_WHOLE.sub(r"\1", word) if word.endswith("0") else word for word in found]


@dataclass(frozen=True)
class Sequence:
    """The words of a text, each distinct one once.

    Attributes
    ----------
    words : array of str
        Distinct words.
    digests : array of uint64
        Of the distinct words.
    places : array of int
        Position in ``words`` of each word of the text, in order.
    """

    words: NDArray[np.object_]
    digests: NDArray[np.uint64]
    places: NDArray[np.intp]


def sequence(words: list[str]) -> Sequence:
    """Words in order, with the digests of the distinct ones."""
    places, distinct = pd.factorize(np.array(words, dtype=object))
    return Sequence(distinct, digests(distinct), places)


def digests(words: NDArray[np.object_]) -> NDArray[np.uint64]:
    """A number for each word, the same on every machine."""
    if not len(words):
        return np.zeros(0, dtype=np.uint64)
    return pd.util.hash_array(words, categorize=False)


def runs(of_words: NDArray[np.uint64], starts: NDArray[np.intp], length: int) -> NDArray[np.uint64]:
    """Digests of runs of words.

    Parameters
    ----------
    of_words : array of uint64
        Digest of each word of a text, in order.
    starts : array of int
        Where each run begins; all end within the text.
    length : int
        Words of a run.
    """
    made = of_words[starts]
    for step in range(1, length):
        made = made * _STEP + of_words[starts + step]
    return made
