"""
The document's headings, word for word, and the actions that stand under them. What they are called is `crm`'s business.

A heading is the document's line without the English in brackets. Actions that are under no heading (`read`, `update`…)
are beyond the document.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from bizproc.actions.activities import AddActivity
from bizproc.actions.appointments import ScheduleCall, ScheduleMeeting
from bizproc.actions.audiences import AddToFacebookAudience, AddToGoogleAudience
from bizproc.actions.bookings import BookResource, CancelBooking
from bizproc.actions.comments import AddComment
from bizproc.actions.conversions import ConvertDeal, ConvertLead, CreateLeadContact, CreateRepeatLead
from bizproc.actions.creating import CreateCompany, CreateContact, CreateDeal, CreateLead
from bizproc.actions.custom_fields import AddField
from bizproc.actions.data import GetData
from bizproc.actions.details import DetailsInformation, EditDetails
from bizproc.actions.events import AddEvent
from bizproc.actions.exclusions import AddToExclusions
from bizproc.actions.finding import Find, FindFirst
from bizproc.actions.linked import EditCompany, EditContact
from bizproc.actions.messages import SendEmail, SendSms
from bizproc.actions.observers import ChangeObservers
from bizproc.actions.orders import PaymentInformation
from bizproc.actions.papers import CreateDocument
from bizproc.actions.payments import GetPaymentLink
from bizproc.actions.products import AddProduct, DeleteProducts, ProductInformation
from bizproc.actions.responsible import ChangeResponsible
from bizproc.actions.smart_items import CreateSmartItem, DeleteSmartItem, EditSmartItem
from bizproc.actions.stages import ChangePipeline, ChangeStage, ChangeStatus
from bizproc.actions.tasks import EndTasks
from bizproc.actions.waits import Days, DaysBefore, UntilStage, UntilStatus


@frozen
class Heading:
    """
    One heading.

    Attributes:
        fr: As the document has it.
        en: In English.
        action: The class of the action; None for what is to come.
        also: Further classes under the same heading.
    """

    number: int
    fr: str
    en: str
    action: type | None = None
    also: tuple[type, ...] = ()

    def called(self, language: str) -> str:
        """In a language of ours."""
        return self.fr if language == "fr" else self.en


HEADINGS: Final = (
    Heading(1, "Activité", "Activity", AddActivity),
    Heading(2, "Ajouter un article", "Add product item", AddProduct),
    Heading(3, "Ajouter aux exceptions", "Add to exclusions", AddToExclusions),
    Heading(4, "Ajouter l'évènement dans le CRM", "Add CRM event", AddEvent),
    Heading(5, "Ajouter un commentaire", "Add comment", AddComment),
    Heading(6, "Annonces Facebook", "Facebook Ads audience", AddToFacebookAudience),
    Heading(7, "Annonces Google AdWords", "Google Ads audience", AddToGoogleAudience),
    Heading(8, "Annuler la réservation", "Cancel resource booking", CancelBooking),
    Heading(9, "Attendre", "Wait", Days, (DaysBefore,)),
    Heading(10, "Changer d'observateurs", "Change observers", ChangeObservers),
    Heading(11, "Changer de contact", "Edit contact", EditContact, (AddField,)),
    Heading(12, "Changer de société", "Edit company", EditCompany),
    Heading(13, "Changer la personne responsable", "Change responsible person", ChangeResponsible),
    Heading(14, "Créer un élément de processus intelligent", "Create SPA item", CreateSmartItem),
    Heading(15, "Création d'un nouveau contact", "Create new contact", CreateContact),
    Heading(16, "Création d'un nouveau prospect", "Create new lead", CreateLead),
    Heading(17, "Création d'une nouvelle entreprise", "Create new company", CreateCompany),
    Heading(18, "Création d'une nouvelle transaction", "Create new deal", CreateDeal),
    Heading(19, "Créer en utilisant la source", "Create using source", ConvertLead, (ConvertDeal,)),
    Heading(20, "Créer un contact pour un prospect", "Create contact for lead", CreateLeadContact),
    Heading(21, "Créer un document CRM", "Create CRM document", CreateDocument),
    Heading(22, "Créer un prospect répété", "Create repeat lead", CreateRepeatLead),
    Heading(23, "Supprimer l'élément de processus intelligent", "Delete SPA item", DeleteSmartItem),
    Heading(24, "Supprimer des produits", "Delete products", DeleteProducts),
    Heading(25, "Details information", "Details information", DetailsInformation),
    Heading(26, "Modifier l'élément de processus intelligent", "Edit SPA item", EditSmartItem),
    Heading(27, "Modifier les détails", "Edit details", EditDetails),
    Heading(28, "En attente de l'étape de transaction", "Waiting for deal stage", UntilStage),
    Heading(29, "En attente du statut du prospect", "Waiting for lead status", UntilStatus),
    Heading(30, "Terminer la tâche", "End task", EndTasks),
    Heading(31, "Envoyer un SMS", "Send SMS", SendSms),
    Heading(32, "Envoyer un e-mail", "Send e-mail", SendEmail),
    Heading(33, "Obtenir le lien de paiement", "Get payment link", GetPaymentLink),
    Heading(34, "Modifier le pipeline", "Change pipeline", ChangePipeline),
    Heading(35, "Modifier le statut", "Change status", ChangeStage, (ChangeStatus,)),
    Heading(36, "Obtenir des informations sur les éléments CRM", "Get CRM item information", FindFirst, (Find,)),
    Heading(37, "Obtenir les données du CRM", "Get CRM data", GetData),
    Heading(38, "Payment information", "Payment information", PaymentInformation),
    Heading(39, "Informations sur le produit", "Product information", ProductInformation),
    Heading(40, "Programmer un appel", "Schedule a call", ScheduleCall),
    Heading(41, "Programmer une réunion", "Schedule a meeting", ScheduleMeeting),
    Heading(42, "Réserver une ressource", "Book resource", BookResource),
)
