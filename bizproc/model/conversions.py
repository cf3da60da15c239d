"""What came of a conversion."""

from __future__ import annotations

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
