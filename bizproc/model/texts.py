"""
Texts as they are kept and compared: composed (Unicode's form NFC), and folded where case does not count.

Folding is Unicode's caseless matching: `ß` is `ss`, `Σ`, `σ` and `ς` are one letter. It knows no language: the Turkish
dotted `İ` is an `i` with a dot above, and no `i`.
"""

from __future__ import annotations

from unicodedata import is_normalized, normalize


def composed(text: str) -> str:
    """A text in the form NFC: one spelling for what looks the same."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)


def folded(text: str) -> str:
    """What two texts have in common that differ in case only; in the form NFC."""
    if text.isascii():
        return text.lower()
    # Decomposed first: folding is defined on that form (U+0345 would change its place otherwise).
    return normalize("NFC", normalize("NFD", text).casefold())
