"""What comes of a conversion, and which fields it copies. It copies nothing itself."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen(kw_only=True)
class Conversion:
    """
    What a lead or a deal was converted to.

    Ids of what was made, or of what was there already; None where nothing was.
    """

    deal_id: int | None = None
    contact_id: int | None = None
    company_id: int | None = None
    quote_id: int | None = None
    invoice_id: int | None = None


_PERSON: Final = ("honorific", "name", "second_name", "last_name", "birth_date", "post")
_REACHED: Final = ("phones", "emails", "webs", "ims")
_ADDRESS: Final = ("address", "address_2", "city", "region", "province", "postal_code", "country")
_ORIGIN: Final = ("source", "source_description")
_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")

CUSTOMER: Final = (*_PERSON, *_ADDRESS, *_REACHED)
"""The fields of a lead that are about its person."""

COPIED: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("lead", "contact"): (*CUSTOMER, "comments", "opened", *_ORIGIN, "originator_id", "origin_id", *_UTM),
    ("lead", "company"): (*_ADDRESS, *_REACHED, "comments", *_UTM),
    ("lead", "deal"): ("title", "currency", "comments", "opened", *_ORIGIN, *_UTM),
    ("deal", "quote"): ("title", "currency", "comments", "opened", "lead_id", "company_id", "contact_ids"),
    ("deal", "invoice"): ("title", "currency", "comments", "company_id", "contact_id"),
}
"""From which kind to which: the fields that are copied under the same name."""
