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
        largest_mail: Bytes that the attachments of a mail may have together, as they travel.
    """

    zone: tzinfo = UTC
    currency: str = "EUR"
    language: str = "en"
    largest_mail: int = 20_000_000
