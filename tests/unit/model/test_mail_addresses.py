"""Addresses of mail: what is one, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc.model.mail_addresses import NamedAddress, is_address, named_address, plain_address


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example",
        "a.b+c@b.example",
        "a@localhost",
        "jörg@bücher.example",
        "a@i❤.ws",
        "o'neil@b.example",
        "1@2.example",
    ],
)
def test_an_address(text: str) -> None:
    assert is_address(text)
    assert named_address(text) == NamedAddress("", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b.example",
        "a@",
        "a b@c.example",
        ".a@b.example",
        "a.@b.example",
        "a..b@c.example",
        "a@b..example",
        "a@-b.example",
        "a@b.example\n",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        '"a b"@c.example',
        "a@[127.0.0.1]",
        f"{'a' * 65}@b.example",
        f"a@{'b' * 64}.example",
        f"a@{'b.' * 130}example",
        "a@b／c.example",
        "a@b＠c.example",
        "a\0@b.example",
        "a@b.example\u2028",
        "a\ud800@b.example",
    ],
)
def test_no_address(text: str) -> None:
    assert not is_address(text)
    assert named_address(text) is None


def test_a_name_stands_before_its_address() -> None:
    assert named_address("Ada Byron <ada@b.example>") == NamedAddress("Ada Byron", "ada@b.example")
    assert named_address('"Byron, Ada" <ada@b.example>') == NamedAddress("Byron, Ada", "ada@b.example")
    assert str(NamedAddress("Ada Byron", "ada@b.example")) == "Ada Byron <ada@b.example>"
    assert named_address("Ada\r\nBcc: x@y.example <ada@b.example>") is None
    assert named_address("<ada@b.example> <eve@b.example>") is None


def test_a_domain_is_written_as_servers_write_it() -> None:
    assert plain_address("jo@bücher.example") == "jo@xn--bcher-kva.example"


@given(st.text())
def test_whatever_is_taken_for_an_address_fits_into_one_line_of_a_header(text: str) -> None:
    found = named_address(text)
    if found is not None:
        assert str(found).isprintable()
        assert plain_address(found.address).rpartition("@")[2].isascii()
        assert named_address(str(found)) == found
