"""Actions on the comments of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import EmptyText
from bizproc.model.timeline import Comment
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.add_comment")
class AddComment(ItemAction[Comment]):
    """
    Write a comment on the item: it changes no field, and ends no wait.

    Heading 5.

    Args:
        text: With the marks [b] [i] [s] [u] [url]; kept as it is.
        author: Whose name it bears; the first user, if several. The item's person in charge if left out.

    Raises:
        EmptyText: nothing but blanks.
        UnknownUser: no such author.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored (NUL, lone surrogates).
    """

    target: Target
    text: str
    _: KW_ONLY
    author: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Comment:
        if not self.text.strip():
            raise EmptyText(action=self.name, parameter="text")
        ref = await port.resolve(self.target.kind, self.target.id)
        return await port.add_comment(ref, self.text, author=await first_of(port, self.author))


@action_type("crm.comments")
class Comments(ItemAction[tuple[Comment, ...]]):
    """
    The item's comments, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[Comment, ...]:
        return await port.comments(await port.resolve(self.target.kind, self.target.id))
