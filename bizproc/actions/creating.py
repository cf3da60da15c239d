"""Actions that make something new: one class a kind, which says what may be given and what must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from bizproc.core.action import ItemAction, Target, action_type
from bizproc.core.errors import EmptyText
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.deals import Deal
from bizproc.model.details import BankDetails, ClientDetails, DetailsTemplate
from bizproc.model.exclusions import Exclusion
from bizproc.model.fields import unknown, writable
from bizproc.model.invoices import Invoice
from bizproc.model.kinds import class_of
from bizproc.model.leads import Lead
from bizproc.model.lists import Reference
from bizproc.model.mailboxes import Mailbox, Template
from bizproc.model.organisation import Absence, Department, Group, WorkingHours
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.products import Product
from bizproc.model.quotes import Quote
from bizproc.model.smart_items import SmartType
from bizproc.model.users import User
from bizproc.ports.crm import Crm

T = TypeVar("T")


@action_type("crm.create")
class Create(ItemAction[T]):
    """
    Make an item of the target's kind. What may be given and what must be, each kind says below.

    Attributes:
        required: Fields that must say something.
    """

    required: ClassVar[tuple[str, ...]] = ()

    target: Target
    fields: Mapping[str, Any]

    def arguments(self) -> Mapping[str, object]:
        return self.fields

    async def perform(self, port: Crm) -> T:
        self._check_required()
        made: T = await port.create(self.target.kind, self.fields)
        return made

    def _check_required(self) -> None:
        for name in self.required:
            value = self.fields.get(name)
            if value is None or (isinstance(value, str) and not value.strip()):
                self._check_names()
                raise EmptyText(action=self.name, parameter=name)

    def _check_names(self) -> None:
        """Where something is missing, a name that is misspelt is the better reason."""
        known = writable(class_of(self.target.kind))
        for name in self.fields:
            if name not in known:
                raise unknown(self.target.kind, name, known)


@action_type("crm.create")
class CreateDeal(Create[Deal]):
    """
    Make a deal.

    It begins in the stage that is given, which decides the pipeline, or in the first of the pipeline. It is not
    linked to the process's document unless a field says so. Heading 18.

    Args:
        fields: `title`, which must be given, and any other field of a deal that can be written.

    Raises:
        EmptyText: no title.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage, UnknownPipeline: no such stage or pipeline, or the stage is not of that pipeline.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("title",)


@action_type("crm.create")
class CreateContact(Create[Contact]):
    """
    Make a contact, without a search for one that is there already.

    Heading 15.

    Args:
        fields: `name` and `last_name`, which must be given, and any other field of a contact that can be written.

    Raises:
        EmptyText: no name or no last name.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("name", "last_name")


@action_type("crm.create")
class CreateCompany(Create[Company]):
    """
    Make a company, without a search for one that is there already.

    Heading 17.

    Args:
        fields: `title`, which must be given, and any other field of a company that can be written.

    Raises:
        EmptyText: no title.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser: who is in charge or observes is not there.
    """

    required = ("title",)


@action_type("crm.create")
class CreateUser(Create[User]):
    """
    Make a user.

    Args:
        fields: `name`, which must be given, and any other field of a user that can be written.

    Raises:
        EmptyText: no name.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser: no such manager.
    """

    required = ("name",)


@action_type("crm.create")
class CreateProduct(Create[Product]):
    """
    Put a product into the catalogue.

    Args:
        fields: `name`, which must be given, and any other field of a product that can be written.

    Raises:
        EmptyText: no name.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("name",)


@action_type("crm.create")
class CreatePipeline(Create[Pipeline]):
    """
    Make a pipeline, with the stages that a new one begins with (their codes begin with `C`, its id and a colon).

    Args:
        fields: `name`, which must be given, `kind` of items (deals if left out), `sort`.

    Raises:
        EmptyText: no name.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("name",)


@action_type("crm.create")
class CreateStage(Create[Stage]):
    """
    Add a stage to a pipeline.

    Args:
        fields: `code`, which must be given (`C1:` is put before it in pipeline 1), `pipeline` (the general one if left
            out), `name`, `sort` (after those that work goes on in, if left out), `semantics`, `kind` of items.

    Raises:
        EmptyText: no code.
        AlreadyExists: the code is taken, or the pipeline has its success already.
        UnknownPipeline: no such pipeline.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("code",)


@action_type("crm.create")
class CreateLead(Create[Lead]):
    """
    Make a lead, without a search for one that is there already.

    It begins in the status that is given, or in the first. It is a returning customer's if a contact or a company is
    given. Heading 16.

    Args:
        fields: `title`, which must be given, and any other field of a lead that can be written.

    Raises:
        EmptyText: no title.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage: no such status.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("title",)


@action_type("crm.create")
class CreateQuote(Create[Quote]):
    """
    Make a quote; its number is its id where none is given.

    Args:
        fields: `title`, which must be given, and any other field of a quote that can be written.

    Raises:
        EmptyText: no title.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage: no such stage.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("title",)


@action_type("crm.create")
class CreateInvoice(Create[Invoice]):
    """
    Make an invoice; its number is its id where none is given.

    Args:
        fields: `title`, which must be given, and any other field of an invoice that can be written.

    Raises:
        EmptyText: no title.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage: no such stage.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("title",)


@action_type("crm.create")
class CreateSmartType(Create[SmartType]):
    """
    Define a smart type: a kind of item of one's own, with its stages.

    Its code is what `crm.item(code)` and triggers take.

    Args:
        fields: `code`, which must be given, `title`, `parents`, and what its items have (`has_stages`…).

    Raises:
        EmptyText: no code.
        AlreadyExists: there is a smart type of this code.
        UnknownItem: a parent of a kind that is not there.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("code",)


@action_type("crm.create")
class CreateDepartment(Create[Department]):
    """
    Make a department. Who works in it stands in the users' `department_ids`.

    Args:
        fields: `code`, which must be given, `name`, `parent_id`, `head_id`.

    Raises:
        EmptyText: no code.
        AlreadyExists: there is a department of this code.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required = ("code",)


@action_type("crm.create")
class CreateGroup(Create[Group]):
    """
    Make a group of users.

    Args:
        fields: `code`, which must be given, `name`, `member_ids`.

    Raises:
        EmptyText: no code.
        AlreadyExists: there is a group of this code.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser: no such member.
    """

    required = ("code",)


@action_type("crm.create")
class CreateAbsence(Create[Absence]):
    """
    Write down that a user is away, from `start` until `end` (not included).

    Args:
        fields: `user_id`, `start` and `end`, which must be given, `reason`, `all_day`.

    Raises:
        EmptyText: no user or no time.
        WrongFieldValue: an end before the start; a value that a field cannot hold.
        UnknownField: a field that is not there.
        UnknownUser: no such user.
    """

    required = (
        "user_id",
        "start",
        "end",
    )


@action_type("crm.create")
class CreateWorkingHours(Create[WorkingHours]):
    """
    Say when a user works; without a user, when the company does.

    Args:
        fields: `user_id`, the hours of each weekday, `holidays`, `time_zone`.

    Raises:
        AlreadyExists: that user, or the company, has working hours already: change those.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser: no such user.
    """


@action_type("crm.create")
class CreateReference(Create[Reference]):
    """
    Add an entry to a list that fields choose from.

    Args:
        fields: `list` and `code`, which must be given, `name`, `sort`.

    Raises:
        EmptyText: no list or no code.
        AlreadyExists: the list has an entry of this code.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = (
        "list",
        "code",
    )


@action_type("crm.create")
class CreateDetailsTemplate(Create[DetailsTemplate]):
    """
    Make a template of details: which a kind of client has.

    Args:
        fields: `code`, which must be given, `name`, `country`, `fields`, `bank_fields`, `with_address`.

    Raises:
        EmptyText: no code.
        AlreadyExists: there is a template of this code.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("code",)


@action_type("crm.create")
class CreateDetails(Create[ClientDetails]):
    """
    Write down the details of a client by a template.

    Args:
        fields: `template_id`, which must be given, and `company_id` or `contact_id`; `fields`, `addresses`, `selected`…

    Raises:
        EmptyText: no template.
        WrongFieldValue: no client, or two; a field that the template has not; a value that a field cannot hold.
        UnknownField: a field that is not there.
        ItemNotFound: what a field points at is not there.
    """

    required = ("template_id",)


@action_type("crm.create")
class CreateBankDetails(Create[BankDetails]):
    """
    Add a bank account to a client's details.

    Args:
        fields: `details_id`, which must be given, `fields`, `name`, `currency`, `selected`…

    Raises:
        EmptyText: no details.
        WrongFieldValue: a field that the template has not; a value that a field cannot hold.
        UnknownField: a field that is not there.
        ItemNotFound: no such details.
    """

    required = ("details_id",)


@action_type("crm.create")
class CreateMailbox(Create[Mailbox]):
    """
    Add an address that mail is sent from.

    Args:
        fields: `email`, which must be given, `name`, `user_ids`, `sort`, `connected`.

    Raises:
        EmptyText: no address.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser: no such user.
    """

    required = ("email",)


@action_type("crm.create")
class CreateTemplate(Create[Template]):
    """
    Add a template of documents.

    Args:
        fields: `code`, which must be given, `file_id`, `name`, `kinds`, `number_pattern`, `with_stamp`.

    Raises:
        EmptyText: no code.
        AlreadyExists: there is a template of this code.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        ItemNotFound: no such file.
    """

    required = ("code",)


@action_type("crm.create")
class CreateExclusion(Create[Exclusion]):
    """
    Exclude a phone number or an e-mail address.

    Args:
        fields: `value`, which must be given, `type` (`PHONE` or `EMAIL`), `comment`.

    Raises:
        EmptyText: no value.
        AlreadyExists: it is excluded already.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
    """

    required = ("value",)
