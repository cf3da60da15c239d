"""An action that there is not: what is said of it, and that nouns are objects like others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import NoSuchAction

NOUNS: list[Any] = [crm.deal, crm.deal(5), crm.user, crm.queue, crm.queue("sales"), crm.document(3), crm.drive]


def test_what_is_meant_is_said_and_what_there_is() -> None:
    noun: Any = crm.deal
    with pytest.raises(
        NoSuchAction, match=r"crm\.deal has no action 'add_coment'\. Did you mean add_comment\? It has: "
    ) as e:
        noun.add_coment("x")
    assert "change_stage" in str(e.value)
    assert isinstance(e.value, AttributeError)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_a_noun_is_an_object_like_others(noun: Any) -> None:
    assert not hasattr(noun, "add_coment")
    assert not hasattr(noun, "_repr_html_")
    assert getattr(noun, "nothing", 3) == 3
    for other in (copy.copy(noun), copy.deepcopy(noun)):
        assert (type(other), vars(other)) == (type(noun), vars(noun))
    cls: Any = type(noun)
    assert not hasattr(cls.__new__(cls), "target")


def test_each_noun_is_called_as_it_is_typed() -> None:
    for noun, called in ((crm.user, "crm.user"), (crm.queue, "crm.queue"), (crm.item("x", 9), "crm.item('x', 9)")):
        with pytest.raises(NoSuchAction) as raised:
            getattr(noun, "zzz")  # noqa: B009  it is not there
        assert raised.value.noun == called
