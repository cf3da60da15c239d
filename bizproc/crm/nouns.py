"""What the CRM holds beside its items: users, products, pipelines, stages. Each can be made, read and changed."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.documented import documented_by
from bizproc.actions.items import CreatePipeline, CreateProduct, CreateStage, CreateUser
from bizproc.core.action import Target
from bizproc.crm.finding import Finding
from bizproc.crm.items import Named, id_of
from bizproc.model.pipelines import Pipeline, PipelineFields, Stage, StageFields
from bizproc.model.products import Product, ProductFields
from bizproc.model.users import User, UserFields


class NamedUser(Named[User, UserFields]):
    """One user."""

    kind: ClassVar[str] = "user"


class Users(Finding[User]):
    """`crm.user`: makes users, finds them, and names one by its id."""

    kind: ClassVar[str] = "user"

    def __call__(self, user: User | int) -> NamedUser:
        """One user."""
        return NamedUser(id_of(user))

    @documented_by(CreateUser)
    def create(self, **fields: Unpack[UserFields]) -> CreateUser:
        return CreateUser(Target("user"), fields)


class NamedProduct(Named[Product, ProductFields]):
    """One product."""

    kind: ClassVar[str] = "product"


class Products(Finding[Product]):
    """`crm.product`: makes products, finds them, and names one by its id."""

    kind: ClassVar[str] = "product"

    def __call__(self, product: Product | int) -> NamedProduct:
        """One product."""
        return NamedProduct(id_of(product))

    @documented_by(CreateProduct)
    def create(self, **fields: Unpack[ProductFields]) -> CreateProduct:
        return CreateProduct(Target("product"), fields)


class NamedPipeline(Named[Pipeline, PipelineFields]):
    """One pipeline."""

    kind: ClassVar[str] = "pipeline"


class Pipelines(Finding[Pipeline]):
    """`crm.pipeline`: makes pipelines, finds them, and names one by its id."""

    kind: ClassVar[str] = "pipeline"

    def __call__(self, pipeline: Pipeline | int) -> NamedPipeline:
        """One pipeline."""
        return NamedPipeline(id_of(pipeline))

    @documented_by(CreatePipeline)
    def create(self, **fields: Unpack[PipelineFields]) -> CreatePipeline:
        return CreatePipeline(Target("pipeline"), fields)


class NamedStage(Named[Stage, StageFields]):
    """One stage."""

    kind: ClassVar[str] = "stage"


class Stages(Finding[Stage]):
    """`crm.stage`: makes stages, finds them, and names one by its id."""

    kind: ClassVar[str] = "stage"

    def __call__(self, stage: Stage | int) -> NamedStage:
        """One stage."""
        return NamedStage(id_of(stage))

    @documented_by(CreateStage)
    def create(self, **fields: Unpack[StageFields]) -> CreateStage:
        return CreateStage(Target("stage"), fields)
