"""
Text with marks: BBCode to HTML, BBCode and HTML to plain text, and the links in both. Pure, and linear in the text.

It makes no HTML safe that somebody else has written; that is for a library, in the adapter that sends it. What it makes
of BBCode is: every character of the text is escaped, and every tag is its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape, unescape
from typing import Final

DEEPEST: Final = 20
"""Tags inside tags beyond this are dropped; their text stays."""

_LONGEST_LINK: Final = 2000
_SCHEMES: Final = ("http://", "https://", "mailto:", "tel:")

# No value holds a bracket, so that no place is looked at twice.
_TOKEN: Final = re.compile(
    rf"\[(?P<whole>url|img)\](?P<address>[^\[\]\s]{{1,{_LONGEST_LINK}}})\[/(?P=whole)\]"
    rf"|\[(?P<close>/?)(?P<tag>[a-z]{{1,5}}|\*)(?:=(?P<value>[^\[\]\n]{{0,{_LONGEST_LINK}}}))?\]",
    re.IGNORECASE,
)
_COLOUR: Final = re.compile(r"#[0-9a-f]{3}(?:[0-9a-f]{3})?|[a-z]{3,20}", re.IGNORECASE)


def _link(value: str) -> str | None:
    address = value.strip().strip("\"'")
    return f'<a href="{escape(address)}">' if address.lower().startswith(_SCHEMES) else None


def _colour(value: str) -> str | None:
    return f'<span style="color:{value}">' if _COLOUR.fullmatch(value) else None


def _list(value: str) -> str | None:
    return "<ol>" if value == "1" else "<ul>"


def _always(opening: str) -> Callable[[str], str]:
    return lambda _value: opening


_TAGS: Final[dict[str, Callable[[str], str | None]]] = {
    **{tag: _always(f"<{tag}>") for tag in ("b", "i", "u", "s")},
    "url": _link,
    "color": _colour,
    "quote": _always("<blockquote>"),
    "code": _always("<pre>"),
    "list": _list,
    "*": _always("<li>"),
}


def html_of_bbcode(text: str) -> str:
    """BBCode as HTML. What is no tag, or is not closed in order, stays readable."""
    return _Writer(text).html()


class _Writer:
    """Writes one text as HTML."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._skipped: dict[str, int] = {}

    def html(self) -> str:
        at = 0
        for token in _TOKEN.finditer(self._text):
            self._parts.append(_escaped(self._text[at : token.start()]))
            self._token(token)
            at = token.end()
        self._parts.append(_escaped(self._text[at:]))
        self._close_to(0)
        return "".join(self._parts)

    def _token(self, token: re.Match[str]) -> None:
        if token["whole"]:
            self._parts.append(_whole(token["whole"].lower(), token["address"]))
            return
        tag = token["tag"].lower()
        if tag not in _TAGS:
            self._parts.append(_escaped(token[0]))
        elif token["close"]:
            self._end(tag)
        else:
            self._begin(tag, token)

    def _begin(self, tag: str, token: re.Match[str]) -> None:
        if tag == "*":
            self._end_entry()
        opening = _TAGS[tag](token["value"] or "")
        if opening is None or (tag == "*" and not any(name == "list" for name, _ in self._open)):
            self._parts.append("" if opening is None else _escaped(token[0]))
            self._skipped[tag] = self._skipped.get(tag, 0) + (opening is None)
        elif len(self._open) >= DEEPEST:
            self._skipped[tag] = self._skipped.get(tag, 0) + 1
        else:
            self._parts.append(opening)
            self._open.append((tag, _closing(opening)))

    def _end(self, tag: str) -> None:
        if self._skipped.get(tag):
            self._skipped[tag] -= 1
            return
        places = [place for place, (name, _) in enumerate(self._open) if name == tag]
        if places:
            self._close_to(places[-1])

    def _end_entry(self) -> None:
        """An entry of a list ends with the next one, but not with one of a list inside it."""
        for place in range(len(self._open) - 1, -1, -1):
            name = self._open[place][0]
            if name == "list":
                return
            if name == "*":
                self._close_to(place)
                return

    def _close_to(self, place: int) -> None:
        while len(self._open) > place:
            self._parts.append(self._open.pop()[1])


def _whole(tag: str, address: str) -> str:
    if not address.lower().startswith(_SCHEMES):
        return _escaped(address)
    if tag == "url":
        return f'<a href="{escape(address)}">{escape(address)}</a>'
    return f'<img src="{escape(address)}" alt="">'


def _closing(opening: str) -> str:
    return f"</{opening[1:-1].partition(' ')[0]}>"


def _escaped(text: str) -> str:
    return escape(text).replace("\r\n", "\n").replace("\n", "<br>\n")


# -- plain text --------------------------------------------------------------------------------------------------------

_NAME: Final = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]*)")
_HREF: Final = re.compile(
    rf"\bhref\s{{0,20}}=\s{{0,20}}(?:\"([^\"<>]{{1,{_LONGEST_LINK}}})\"|'([^'<>]{{1,{_LONGEST_LINK}}})'"
    rf"|([^\s\"'<>]{{1,{_LONGEST_LINK}}}))",
    re.IGNORECASE,
)
_BREAKS: Final = frozenset(
    {"br", "p", "div", "li", "tr", "ul", "ol", "table", "blockquote", "pre", "hr", "h1", "h2", "h3"}
)
_UNSEEN: Final = frozenset({"script", "style", "title", "head", "template"})
_LINES: Final = re.compile(r"\n{3,}")
_REFERENCE: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{1,32});")


def plain_of_bbcode(text: str) -> str:
    """BBCode as plain text."""
    return plain_of_html(html_of_bbcode(text))


def plain_of_html(html: str) -> str:
    """HTML as plain text: links with their targets, entries of lists with a dash, nothing that is not seen."""
    parts: list[str] = []
    target = ""
    for text, name, closes, tag in _pieces(html):
        parts.append(" ".join(unescape(text).split("\n")))
        if name in _BREAKS and not (closes and name == "li"):
            parts.append("\n- " if name == "li" else "\n")
        if name == "a" and not closes:
            target = next(iter(_targets(tag)), "")
        elif name == "a" and target:
            said = parts[-1].strip()
            parts.append("" if said == target.removeprefix("mailto:").removeprefix("tel:") else f" ({target})")
            target = ""
    lines = "\n".join(line.strip() for line in "".join(parts).split("\n"))
    return _LINES.sub("\n\n", lines).strip()


def _pieces(html: str) -> Iterator[tuple[str, str, bool, str]]:
    """The text before each tag, the tag's name, whether it closes, and the tag itself."""
    at = seen = 0
    while (begin := html.find("<", at)) >= 0:
        name = _NAME.match(html, begin + 1)
        if name is None and not html.startswith(("<!", "<?"), begin):
            at = begin + 1  # a character like any other
            continue
        comment = html.startswith("<!--", begin)
        end = html.find("-->" if comment else ">", begin)
        yield html[seen:begin], "" if name is None else name[2].lower(), bool(name and name[1]), html[begin : end + 1]
        if end < 0:
            return
        at = seen = end + (3 if comment else 1)
        if name is not None and not name[1] and name[2].lower() in _UNSEEN:
            after = re.compile(f"</{name[2]}", re.IGNORECASE).search(html, at)
            if after is None:
                return
            at = seen = after.start()
    yield html[seen:], "", False, ""


# -- how deep ---------------------------------------------------------------------------------------------------------

_NEVER_OPEN: Final = frozenset(
    {
        *("area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li"),
        *("link", "meta", "option", "p", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr"),
    }
)
"""Tags that hold nothing, or that end by themselves."""


def depth_of_html(html: str) -> int:
    """How deep its tags are nested at most, as far as can be told without reading it as browsers do."""
    depth = deepest = 0
    for _text, name, closes, tag in _pieces(html):
        if name and name not in _NEVER_OPEN and not tag.endswith("/>"):
            depth = max(depth - 1, 0) if closes else depth + 1
            deepest = max(deepest, depth)
    return deepest


# -- links -------------------------------------------------------------------------------------------------------------


def web_links(html: str) -> tuple[str, ...]:
    """The web addresses that links in an HTML text lead to, each once, in order."""
    return tuple(dict.fromkeys(link for link in _targets(html) if link.lower().startswith(("http://", "https://"))))


def _targets(html: str) -> Iterable[str]:
    for found in _HREF.finditer(html):
        yield _REFERENCE.sub(lambda one: unescape(one[0]), next(each for each in found.groups() if each)).strip()
