"""Phone numbers as the world writes them. phonenumberslite knows the countries."""

from __future__ import annotations

import phonenumbers

LONGEST = 40


def e164(text: str, country: str) -> str | None:
    """
    A number in international form, `+33612345678`; None for what is none.

    Args:
        text: As somebody wrote it.
        country: Where it is, if it says nothing of that: two letters, or nothing.
    """
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
