"""Addresses of mail: told from what is none, and split into name and address. Knows no server and no CRM."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64

# No quoted local parts: nobody has one, and they are a road for what does not belong into a header.
_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x20\x7f]+")
# After its international letters were written in plain ones: those may turn into anything.
_DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
_NAMED: Final = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")


class NamedAddress(NamedTuple):
    """An address, and the name that is shown beside it."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def named_address(text: str) -> NamedAddress | None:
    """`Ada Byron <ada@example.com>`, or the address alone; None for what is neither."""
    if not text.isprintable():
        return None
    named = _NAMED.fullmatch(text.strip())
    name, address = ("", text) if named is None else (named["name"].strip().strip('"').strip(), named["address"])
    address = address.strip()
    return NamedAddress(name, address) if is_address(address) else None


def is_address(text: str) -> bool:
    """Whether a text is an address that mail can be sent to, internationalised ones included."""
    local, at, domain = text.rpartition("@")
    return (
        bool(at)
        and text.isprintable()
        and len(text) <= _LONGEST
        and len(local) <= _LONGEST_LOCAL
        and _LOCAL.fullmatch(local) is not None
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
        and ascii_domain(domain) is not None
    )


def ascii_domain(domain: str) -> str | None:
    """A domain as mail servers write it, `bücher.example` as `xn--bcher-kva.example`; None for what is none."""
    try:
        written = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return written if _DOMAIN.fullmatch(written) else None


def plain_address(address: str) -> str:
    """An address with its domain as mail servers write it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain) or domain}"
