"""Text with marks: what becomes of BBCode and HTML, and that hostile texts come out soon and harmless."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc.model.markup import (
    DEEPEST,
    depth_of_html,
    html_of_bbcode,
    plain_of_bbcode,
    plain_of_html,
    web_links,
)


@pytest.mark.parametrize(
    ("bbcode", "html"),
    [
        ("[b]tea[/b] & [i]cake[/i]", "<b>tea</b> &amp; <i>cake</i>"),
        ("[U]tea[/u][s]x[/S]", "<u>tea</u><s>x</s>"),
        ("one\ntwo", "one<br>\ntwo"),
        ("[url=https://a.example/?x=1&y=2]go[/url]", '<a href="https://a.example/?x=1&amp;y=2">go</a>'),
        ("[url]https://a.example[/url]", '<a href="https://a.example">https://a.example</a>'),
        ("[url=mailto:jo@a.example]Jo[/url]", '<a href="mailto:jo@a.example">Jo</a>'),
        ("[img]https://a.example/x.png[/img]", '<img src="https://a.example/x.png" alt="">'),
        ("[color=#f00]red[/color]", '<span style="color:#f00">red</span>'),
        ("[list][*]one[*]two[/list]", "<ul><li>one</li><li>two</li></ul>"),
        (
            "[list=1][*]one[list][*]a[*]b[/list][*]two[/list]",
            "<ol><li>one<ul><li>a</li><li>b</li></ul></li><li>two</li></ol>",
        ),
        ("[quote]said[/quote][code]x  y[/code]", "<blockquote>said</blockquote><pre>x  y</pre>"),
        ("[b]never closed", "<b>never closed</b>"),
        ("never opened[/b]", "never opened"),
        ("[b]one [i]two[/b] three[/i]", "<b>one <i>two</i></b> three"),
        ("[nothing]of ours[/nothing]", "[nothing]of ours[/nothing]"),
        ("array[0] and [*] alone", "array[0] and [*] alone"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[url=javascript:alert(1)]go[/url]", "go"),
        ("[url]javascript:alert(1)[/url]", "javascript:alert(1)"),
        ("[img]data:image/png;base64,x[/img]", "data:image/png;base64,x"),
        ('[url=https://a.example/"onclick="x]go[/url]', '<a href="https://a.example/&quot;onclick=&quot;x">go</a>'),
        ("[color=red;position:fixed]x[/color]", "x"),
        ("🍵 [b]été[/b]", "🍵 <b>été</b>"),
    ],
)
def test_bbcode_becomes_html(bbcode: str, html: str) -> None:
    assert html_of_bbcode(bbcode) == html


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two", "one\ntwo"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ('<a href="https://a.example/?x=1&amp;y=2">go</a>', "go (https://a.example/?x=1&y=2)"),
        ('<a href="mailto:jo@a.example">jo@a.example</a>', "jo@a.example"),
        ("<title>x</title><style>p {}</style>seen<script>alert(1)</script>", "seen"),
        ("1 < 2 &amp; 3 &gt; 2", "1 < 2 & 3 > 2"),
        ("<!-- hidden -->seen<!doctype html>", "seen"),
        ("cut off <b", "cut off"),
        ("<script>never closed", ""),
    ],
)
def test_html_becomes_plain_text(html: str, plain: str) -> None:
    assert plain_of_html(html) == plain


def test_bbcode_becomes_plain_text() -> None:
    text = "Dear [b]Jo[/b],\n\n[list][*]tea[*]cake[/list][url=https://a.example]Order[/url] <now>"
    assert plain_of_bbcode(text) == "Dear Jo,\n\n- tea\n- cake\nOrder (https://a.example) <now>"


def test_the_web_addresses_of_links_each_once_in_order() -> None:
    html = (
        "<a href=\"https://b.example/?x=1&amp;y=2\">b</a> <a HREF='http://a.example'>a</a>"
        "<a href=https://c.example>c</a>"
        '<a href="https://b.example/?x=1&amp;y=2">again</a> <a href="mailto:x@y.example">m</a>'
        '<a href="javascript:x">j</a>'
        '<a href="https://d.example/?a=1&copy=2">d</a>'
    )
    assert web_links(html) == (
        "https://b.example/?x=1&y=2",
        "http://a.example",
        "https://c.example",
        "https://d.example/?a=1&copy=2",
    )


def test_tags_inside_tags_are_followed_so_far_and_their_text_stays() -> None:
    html = html_of_bbcode("[b]" * 10_000 + "deep" + "[/b]" * 10_000)
    assert html == "<b>" * DEEPEST + "deep" + "</b>" * DEEPEST
    assert depth_of_html(html) == DEEPEST


def test_how_deep_html_is() -> None:
    assert depth_of_html("<p>one<p>two<br><img src=x><ul><li>a<li>b</ul>") == 1
    assert depth_of_html("<div>" * 10_000) == 10_000


BOMBS = [
    *("[b]", "[/b]", "[url]", "[url=http://x", "[list][*]", "[", "[b=", "[url]http://"),
    *("<div>", "<b", "<!--", "&", "<a href='", "<script>", "<", "href=", "href  ", "<title>", "\n", "&amp"),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_text_made_to_take_long_does_not(bomb: str) -> None:
    """Work that grew with the square of these sizes would take hours."""
    text = bomb * (400_000 // len(bomb))
    html = html_of_bbcode(text)
    plain_of_html(html)
    for each in (text, html):
        plain_of_html(each)
        web_links(each)
        depth_of_html(each)


MARKS = st.lists(
    st.one_of(
        st.sampled_from(
            ["[b]", "[/b]", "[i]", "[/i]", "[url=https://a.example]", "[/url]", "[list]", "[*]", "[/list]", "[quote]"]
        ),
        st.text(alphabet="ab<>&\"'[]=/\n é", max_size=5),
    ),
    max_size=60,
).map("".join)

TAG = re.compile(r"<(/?)([a-z]+)[^<>]*>")


@given(MARKS)
def test_whatever_bbcode_is_its_html_is_well_formed_and_its_own(text: str) -> None:
    html = html_of_bbcode(text)
    open_: list[str] = []
    for closes, name in TAG.findall(html):
        assert name in {"b", "i", "a", "ul", "ol", "li", "blockquote", "br"}
        if closes:
            assert open_.pop() == name
        elif name != "br":
            open_.append(name)
    assert open_ == []
    assert "<" not in TAG.sub("", html)
