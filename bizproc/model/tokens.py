"""
Tokens in links that people outside follow: whoever has one may see one thing, and nobody can guess or forge one.

A token says what it is for and is signed with the store's secret. Whether what it points at is still there, or was
taken back, is for the store to say.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from attrs import field, frozen

_SIGNATURE: Final = 16
"""Bytes of the signature that a token bears: 128 bits."""

_LONGEST: Final = 200


@frozen
class Signer:
    """
    Makes and reads tokens.

    Attributes:
        secret: At least 32 random bytes, the same for the life of the store.
    """

    secret: bytes = field(repr=False)

    def token(self, purpose: str, *numbers: int) -> str:
        """A token for one purpose and the numbers of what it is about, in characters that need no quoting in a URL."""
        body = ".".join(map(str, numbers)).encode()
        return _text(self._signature(purpose, body) + body)

    def read(self, purpose: str, token: str) -> tuple[int, ...] | None:
        """The numbers of a token of this purpose; None for one that is forged, mangled or of another purpose."""
        if not token or len(token) > _LONGEST or not token.isascii():
            return None
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, body = data[:_SIGNATURE], data[_SIGNATURE:]
        # One thing has one token: what decodes to the same but is written otherwise is none.
        if not hmac.compare_digest(signature, self._signature(purpose, body)) or _text(data) != token:
            return None
        return tuple(map(int, body.split(b".")))

    def _signature(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self.secret, purpose.encode() + b"\0" + body, hashlib.sha256)[:_SIGNATURE]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
