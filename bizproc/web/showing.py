"""Templates of pages, and the words on them, in the portal's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "not_here": "There is nothing here.",
            "not_here_why": "The link may be mistyped, or it is no longer valid. Ask whoever sent it to you.",
            "document": "Document",
            "of": "of",
            "download": "Download",
            "pdf": "PDF",
            "pending": "The PDF is being made. Come back in a minute.",
            "payment": "Payment",
            "order": "Order",
            "to_pay": "To be paid",
            "paid": "Paid",
            "paid_on": "Paid on",
            "what": "What",
            "quantity": "Quantity",
            "price": "Price",
            "sum": "Sum",
            "total": "Total",
            "transfer": "Please transfer the amount to this account:",
            "reference": "Reference",
            "pay_now": "Pay online",
            "no_account": "Ask whoever sent you the link how to pay.",
            "bank_name": "Bank",
            "account_number": "Account number",
            "iban": "IBAN",
            "swift": "SWIFT/BIC",
        },
        "fr": {
            "not_here": "Il n’y a rien ici.",
            "not_here_why": "Le lien est peut-être mal saisi, ou n’est plus valable. Demandez à qui l’a envoyé.",
            "document": "Document",
            "of": "du",
            "download": "Télécharger",
            "pdf": "PDF",
            "pending": "Le PDF est en préparation. Revenez dans une minute.",
            "payment": "Paiement",
            "order": "Commande",
            "to_pay": "À payer",
            "paid": "Payé",
            "paid_on": "Payé le",
            "what": "Article",
            "quantity": "Quantité",
            "price": "Prix",
            "sum": "Montant",
            "total": "Total",
            "transfer": "Merci de virer le montant sur ce compte :",
            "reference": "Référence",
            "pay_now": "Payer en ligne",
            "no_account": "Demandez à la personne qui vous a envoyé le lien comment payer.",
            "bank_name": "Banque",
            "account_number": "Numéro de compte",
            "iban": "IBAN",
            "swift": "SWIFT/BIC",
        },
    }
)


class Pages:
    """Renders pages in one language."""

    def __init__(self, language: str) -> None:
        self.language = language if language in WORDS else "en"
        self._templates = Environment(
            loader=PackageLoader("bizproc.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def page(self, name: str, *, status: int = 200, **values: Any) -> Response:
        """A page from its template."""
        words = WORDS[self.language]
        text = self._templates.get_template(f"{name}.html").render(words=words, language=self.language, **values)
        return HTMLResponse(text, status)

    def not_here(self) -> Response:
        """The answer to all that is wrong."""
        return self.page("not_here", status=404)
