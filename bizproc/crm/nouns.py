"""What the CRM holds beside its items: users, products, pipelines, lists… Each can be made, read and changed."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.calendars import CalendarLink, RevokeCalendarLink
from bizproc.actions.creating import (
    CreateAbsence,
    CreateBankDetails,
    CreateDepartment,
    CreateDetails,
    CreateDetailsTemplate,
    CreateExclusion,
    CreateGroup,
    CreateMailbox,
    CreatePipeline,
    CreateProduct,
    CreateReference,
    CreateSmartType,
    CreateStage,
    CreateTemplate,
    CreateUser,
    CreateWorkingHours,
)
from bizproc.actions.documented import documented_by
from bizproc.core.action import Target, act
from bizproc.crm.finding import Finding
from bizproc.crm.items import Named, Removable, id_of
from bizproc.model.details import (
    BankDetails,
    BankDetailsFields,
    ClientDetails,
    ClientDetailsFields,
    DetailsTemplate,
    DetailsTemplateFields,
)
from bizproc.model.exclusions import Exclusion, ExclusionFields
from bizproc.model.lists import Reference, ReferenceFields
from bizproc.model.mailboxes import Mailbox, MailboxFields, Template, TemplateFields
from bizproc.model.organisation import (
    Absence,
    AbsenceFields,
    Department,
    DepartmentFields,
    Group,
    GroupFields,
    WorkingHours,
    WorkingHoursFields,
)
from bizproc.model.pipelines import Pipeline, PipelineFields, Stage, StageFields
from bizproc.model.products import Product, ProductFields
from bizproc.model.smart_items import SmartType, SmartTypeFields
from bizproc.model.users import User, UserFields


class NamedUser(Named[User, UserFields]):
    """One of them."""

    kind: ClassVar[str] = "user"

    calendar_link = act(CalendarLink)
    revoke_calendar_link = act(RevokeCalendarLink)


class Users(Finding[User]):
    """`crm.user`: makes users, finds them, and names one by its id."""

    kind: ClassVar[str] = "user"

    def __call__(self, user: User | int) -> NamedUser:
        """One of them, by itself or by its id."""
        return NamedUser(id_of(user))

    @documented_by(CreateUser)
    def create(self, **fields: Unpack[UserFields]) -> CreateUser:
        return CreateUser(Target("user"), fields)


class NamedDepartment(Named[Department, DepartmentFields]):
    """One of them."""

    kind: ClassVar[str] = "department"


class Departments(Finding[Department]):
    """`crm.department`: makes departments, finds them, and names one."""

    kind: ClassVar[str] = "department"

    def __call__(self, department: Department | int) -> NamedDepartment:
        """One of them, by itself or by its id."""
        return NamedDepartment(id_of(department))

    @documented_by(CreateDepartment)
    def create(self, **fields: Unpack[DepartmentFields]) -> CreateDepartment:
        return CreateDepartment(Target("department"), fields)


class NamedGroup(Removable[Group, GroupFields]):
    """One of them."""

    kind: ClassVar[str] = "group"


class Groups(Finding[Group]):
    """`crm.group`: makes groups of users, finds them, and names one."""

    kind: ClassVar[str] = "group"

    def __call__(self, group: Group | int) -> NamedGroup:
        """One of them, by itself or by its id."""
        return NamedGroup(id_of(group))

    @documented_by(CreateGroup)
    def create(self, **fields: Unpack[GroupFields]) -> CreateGroup:
        return CreateGroup(Target("group"), fields)


class NamedAbsence(Removable[Absence, AbsenceFields]):
    """One of them."""

    kind: ClassVar[str] = "absence"


class Absences(Finding[Absence]):
    """`crm.absence`: writes absences down, finds them, and names one."""

    kind: ClassVar[str] = "absence"

    def __call__(self, absence: Absence | int) -> NamedAbsence:
        """One of them, by itself or by its id."""
        return NamedAbsence(id_of(absence))

    @documented_by(CreateAbsence)
    def create(self, **fields: Unpack[AbsenceFields]) -> CreateAbsence:
        return CreateAbsence(Target("absence"), fields)


class NamedWorkingHours(Removable[WorkingHours, WorkingHoursFields]):
    """One of them."""

    kind: ClassVar[str] = "working_hours"


class HoursOfWork(Finding[WorkingHours]):
    """`crm.working_hours`: says who works when, finds what was said, and names one record."""

    kind: ClassVar[str] = "working_hours"

    def __call__(self, working_hours: WorkingHours | int) -> NamedWorkingHours:
        """One of them, by itself or by its id."""
        return NamedWorkingHours(id_of(working_hours))

    @documented_by(CreateWorkingHours)
    def create(self, **fields: Unpack[WorkingHoursFields]) -> CreateWorkingHours:
        return CreateWorkingHours(Target("working_hours"), fields)


class NamedProduct(Named[Product, ProductFields]):
    """One of them."""

    kind: ClassVar[str] = "product"


class Products(Finding[Product]):
    """`crm.product`: makes products, finds them, and names one by its id."""

    kind: ClassVar[str] = "product"

    def __call__(self, product: Product | int) -> NamedProduct:
        """One of them, by itself or by its id."""
        return NamedProduct(id_of(product))

    @documented_by(CreateProduct)
    def create(self, **fields: Unpack[ProductFields]) -> CreateProduct:
        return CreateProduct(Target("product"), fields)


class NamedPipeline(Named[Pipeline, PipelineFields]):
    """One of them."""

    kind: ClassVar[str] = "pipeline"


class Pipelines(Finding[Pipeline]):
    """`crm.pipeline`: makes pipelines, finds them, and names one by its id."""

    kind: ClassVar[str] = "pipeline"

    def __call__(self, pipeline: Pipeline | int) -> NamedPipeline:
        """One of them, by itself or by its id."""
        return NamedPipeline(id_of(pipeline))

    @documented_by(CreatePipeline)
    def create(self, **fields: Unpack[PipelineFields]) -> CreatePipeline:
        return CreatePipeline(Target("pipeline"), fields)


class NamedStage(Named[Stage, StageFields]):
    """One of them."""

    kind: ClassVar[str] = "stage"


class Stages(Finding[Stage]):
    """`crm.stage`: makes stages, finds them, and names one by its id."""

    kind: ClassVar[str] = "stage"

    def __call__(self, stage: Stage | int) -> NamedStage:
        """One of them, by itself or by its id."""
        return NamedStage(id_of(stage))

    @documented_by(CreateStage)
    def create(self, **fields: Unpack[StageFields]) -> CreateStage:
        return CreateStage(Target("stage"), fields)


class NamedSmartType(Named[SmartType, SmartTypeFields]):
    """One of them."""

    kind: ClassVar[str] = "smart_type"


class SmartTypes(Finding[SmartType]):
    """`crm.smart_type`: defines kinds of items, finds them, and names one."""

    kind: ClassVar[str] = "smart_type"

    def __call__(self, smart_type: SmartType | int) -> NamedSmartType:
        """One of them, by itself or by its id."""
        return NamedSmartType(id_of(smart_type))

    @documented_by(CreateSmartType)
    def create(self, **fields: Unpack[SmartTypeFields]) -> CreateSmartType:
        return CreateSmartType(Target("smart_type"), fields)


class NamedReference(Removable[Reference, ReferenceFields]):
    """One of them."""

    kind: ClassVar[str] = "reference"


class References(Finding[Reference]):
    """`crm.reference`: adds entries to lists, finds them, and names one."""

    kind: ClassVar[str] = "reference"

    def __call__(self, reference: Reference | int) -> NamedReference:
        """One of them, by itself or by its id."""
        return NamedReference(id_of(reference))

    @documented_by(CreateReference)
    def create(self, **fields: Unpack[ReferenceFields]) -> CreateReference:
        return CreateReference(Target("reference"), fields)


class NamedDetailsTemplate(Named[DetailsTemplate, DetailsTemplateFields]):
    """One of them."""

    kind: ClassVar[str] = "details_template"


class DetailsTemplates(Finding[DetailsTemplate]):
    """`crm.details_template`: makes templates of details, finds them, and names one."""

    kind: ClassVar[str] = "details_template"

    def __call__(self, details_template: DetailsTemplate | int) -> NamedDetailsTemplate:
        """One of them, by itself or by its id."""
        return NamedDetailsTemplate(id_of(details_template))

    @documented_by(CreateDetailsTemplate)
    def create(self, **fields: Unpack[DetailsTemplateFields]) -> CreateDetailsTemplate:
        return CreateDetailsTemplate(Target("details_template"), fields)


class NamedClientDetails(Removable[ClientDetails, ClientDetailsFields]):
    """One of them."""

    kind: ClassVar[str] = "details"


class AllDetails(Finding[ClientDetails]):
    """`crm.details`: writes details of clients down, finds them, and names one record."""

    kind: ClassVar[str] = "details"

    def __call__(self, details: ClientDetails | int) -> NamedClientDetails:
        """One of them, by itself or by its id."""
        return NamedClientDetails(id_of(details))

    @documented_by(CreateDetails)
    def create(self, **fields: Unpack[ClientDetailsFields]) -> CreateDetails:
        return CreateDetails(Target("details"), fields)


class NamedBankDetails(Removable[BankDetails, BankDetailsFields]):
    """One of them."""

    kind: ClassVar[str] = "bank_details"


class AllBankDetails(Finding[BankDetails]):
    """`crm.bank_details`: adds bank accounts, finds them, and names one."""

    kind: ClassVar[str] = "bank_details"

    def __call__(self, bank_details: BankDetails | int) -> NamedBankDetails:
        """One of them, by itself or by its id."""
        return NamedBankDetails(id_of(bank_details))

    @documented_by(CreateBankDetails)
    def create(self, **fields: Unpack[BankDetailsFields]) -> CreateBankDetails:
        return CreateBankDetails(Target("bank_details"), fields)


class NamedMailbox(Removable[Mailbox, MailboxFields]):
    """One of them."""

    kind: ClassVar[str] = "mailbox"


class Mailboxes(Finding[Mailbox]):
    """`crm.mailbox`: adds senders of mail, finds them, and names one."""

    kind: ClassVar[str] = "mailbox"

    def __call__(self, mailbox: Mailbox | int) -> NamedMailbox:
        """One of them, by itself or by its id."""
        return NamedMailbox(id_of(mailbox))

    @documented_by(CreateMailbox)
    def create(self, **fields: Unpack[MailboxFields]) -> CreateMailbox:
        return CreateMailbox(Target("mailbox"), fields)


class NamedTemplate(Named[Template, TemplateFields]):
    """One of them."""

    kind: ClassVar[str] = "template"


class Templates(Finding[Template]):
    """`crm.template`: adds templates of documents, finds them, and names one."""

    kind: ClassVar[str] = "template"

    def __call__(self, template: Template | int) -> NamedTemplate:
        """One of them, by itself or by its id."""
        return NamedTemplate(id_of(template))

    @documented_by(CreateTemplate)
    def create(self, **fields: Unpack[TemplateFields]) -> CreateTemplate:
        return CreateTemplate(Target("template"), fields)


class NamedExclusion(Removable[Exclusion, ExclusionFields]):
    """One of them."""

    kind: ClassVar[str] = "exclusion"


class Exclusions(Finding[Exclusion]):
    """`crm.exclusion`: excludes phones and addresses, finds them, and names one."""

    kind: ClassVar[str] = "exclusion"

    def __call__(self, exclusion: Exclusion | int) -> NamedExclusion:
        """One of them, by itself or by its id."""
        return NamedExclusion(id_of(exclusion))

    @documented_by(CreateExclusion)
    def create(self, **fields: Unpack[ExclusionFields]) -> CreateExclusion:
        return CreateExclusion(Target("exclusion"), fields)
