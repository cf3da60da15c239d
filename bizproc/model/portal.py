"""What is the same for the whole CRM."""

from __future__ import annotations

from datetime import UTC, tzinfo

from attrs import frozen


@frozen(kw_only=True)
class Portal:
    """
    Settings of the CRM as a whole.

    Attributes:
        zone: Whose days are counted (D19).
        currency: Of items that name none.
        language: What values are printed in: `en` or `fr`.
        public_url: Where people outside reach its pages.
        largest_mail: Bytes that the attachments of a mail may have together, as they travel.
    """

    zone: tzinfo = UTC
    currency: str = "EUR"
    language: str = "en"
    public_url: str = "http://127.0.0.1:8480"
    largest_mail: int = 20_000_000

    def page(self, *parts: str) -> str:
        """The address of a page."""
        return "/".join((self.public_url.rstrip("/"), *parts))
