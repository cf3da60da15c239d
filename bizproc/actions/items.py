"""Actions that make, change and read an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, TypeVar

from bizproc.actions.people import first_of
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import EmptyText
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.deals import Deal
from bizproc.model.fields import unknown, writable
from bizproc.model.kinds import class_of
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.products import Product
from bizproc.model.users import User, Users
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


@action_type("crm.update")
class Update(ItemAction[T]):
    """
    Change fields of the item; a change of its stage in this way ends no instance that runs on it.

    Only the fields that are given change. Values that are the same already change nothing and are not told.
    Headings 11 and 12.

    Args:
        fields: By name. None clears a field; a multiple field takes a list.
        append: Add to multiple fields instead of replacing them: without duplicates, in order (D4).
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage, UnknownPipeline, UnknownUser, ItemNotFound: what a field points at is not there.
    """

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    append: bool = option(default=False)
    modified_by: Users | None = option(default=None)

    @property
    def result_type(self) -> Any:
        return class_of(self.target.kind)

    async def perform(self, port: Crm) -> T:
        ref = await port.resolve(self.target.kind, self.target.id)
        author = await first_of(port, self.modified_by)
        changed: T = await port.update(ref, self.fields, append=self.append, author=author)
        return changed


@action_type("crm.read")
class Read(ItemAction[T]):
    """
    The item as it is now. The document that a process was given is as it was when the process started.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    @property
    def result_type(self) -> Any:
        return class_of(self.target.kind)

    async def perform(self, port: Crm) -> T:
        item: T = await port.read(await port.resolve(self.target.kind, self.target.id))
        return item
