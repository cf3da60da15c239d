"""HTML as a mail may have it: nothing that runs, nothing that hides, links that are counted. nh3 does the cleaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import nh3

# A mail is laid out with tables and inline styles; classes, ids and sheets are of no use in one.
_TAGS: Final = nh3.ALLOWED_TAGS | {"font"}
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"style", "align", "valign", "width", "height", "title", "lang", "dir"},
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "table": {"border", "cellpadding", "cellspacing", "bgcolor"},
    "td": {"colspan", "rowspan", "bgcolor"},
    "th": {"colspan", "rowspan", "bgcolor"},
    "tr": {"bgcolor"},
    "ol": {"start", "type"},
    "font": {"color", "size", "face"},
}
_STYLES: Final = {
    *("color", "background-color", "font-family", "font-size", "font-style", "font-weight", "text-align"),
    *("text-decoration", "line-height", "padding", "margin", "border", "width", "height", "vertical-align"),
}
_SCHEMES: Final = {"http", "https", "mailto", "tel"}
_UNSEEN: Final = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math"}


def clean(html: str, counted: Mapping[str, str]) -> str:
    """
    HTML that can be sent.

    Args:
        html: Whatever somebody wrote.
        counted: Where links lead instead, by what they lead to.
    """

    def lead(tag: str, attribute: str, value: str) -> Any:
        return counted.get(value.strip(), value) if (tag, attribute) == ("a", "href") else value

    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=_UNSEEN,
        attributes=_ATTRIBUTES,
        attribute_filter=lead,
        filter_style_properties=_STYLES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )
