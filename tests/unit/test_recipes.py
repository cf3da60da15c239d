"""Recipes as values: what may be one, its settings, and two uses that share nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from bizproc import Calendar, Department, F, Group, Process, User, UserQueue, crm, on, process, recipe, use, wait
from bizproc.core.form import REQUIRED
from bizproc.errors import BizprocError, RecipeDefinitionError, WrongArgument
from bizproc.model import Deal, Lead, Users
from bizproc.model.needs import filled_in
from bizproc.rules.filters import Filter
from bizproc.testing import World


@recipe("test.hand_out", since="1.0", needs=("user.absences", "stage.lead.{stages}"))
def hand_out(
    *,
    queue: UserQueue,
    pick: Literal["in_order", "random"] = "in_order",
    within: timedelta = timedelta(hours=4),
    stages: list[str] = ["NEW"],  # noqa: B006  settings are written like this
    only: Filter | None = None,
) -> Process[..., Any]:
    """
    Give every new lead to the next one.

    Args:
        queue: Who takes part.
        pick: How one is picked.
        within: How long until the first contact.
        stages: Which count.
        only: Which leads.
    """

    @process("test.hand_out", starts=on.created("lead", where=only))
    async def distribute(lead: Lead) -> None:
        """A lead is given to somebody."""
        await crm.lead.change_responsible(queue, pick=pick)
        await wait.sleep(within)
        await crm.lead.add_comment("Call them")

    return distribute


def written(**settings: Any) -> dict[str, Any]:
    return hand_out.parse({"queue": "user:3", **settings})


def test_a_recipe_with_settings_is_a_process() -> None:
    made = hand_out(queue=UserQueue([User(3)]))
    assert isinstance(made, Process)
    assert made.name == "test.hand_out"


def test_a_use_is_the_same_process_under_its_name() -> None:
    made = use(hand_out, name="eu_leads", queue=UserQueue([User(3)]), pick="random")
    assert (made.name, made.form.name) == ("eu_leads", "eu_leads")
    assert made.form.document is Lead
    assert made.__doc__ == "A lead is given to somebody."


async def test_two_uses_of_one_recipe_share_nothing(world: World) -> None:
    first, second = await world.user(name="Ana"), await world.user(name="Ben")
    queue = UserQueue([first, second])
    here, there = use(hand_out, name="here", queue=queue), use(hand_out, name="there", queue=queue)
    world.use(here, there)
    lead = await world.perform(crm.lead.create(title="Tea"))
    await world.run_until_idle()
    names = sorted(each.process for each in await world.instances())
    assert names == ["here", "there"]
    # Were it one queue, the second use would have gone on to the second user.
    assert (await world.get(Lead, lead.id)).responsible_id == first.id


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        ("user:3", UserQueue(User(3))),
        (["user:3", "department:sales/deep"], UserQueue((User(3), Department("sales", deep=True)))),
        (["group:eu", 4], UserQueue((Group("eu"), 4))),
        ({"members": ["user:3"], "pick": "random", "capacity": 5}, UserQueue((User(3),), pick="random", capacity=5)),
        ({"members": "user:3", "weights": {"user:3": 2}}, UserQueue(User(3), weights={3: 2})),
        (
            {"members": "user:3", "hours": "mon-fri 09:00-17:00"},
            UserQueue(User(3), hours=Calendar(hours="mon-fri 09:00-17:00")),
        ),
    ],
)
def test_a_queue_is_written_as_texts_and_tables(text: object, queue: UserQueue) -> None:
    assert written(queue=text)["queue"] == queue


@pytest.mark.parametrize(
    "text", ["anna", "", ["user:x"], {"pick": "random"}, {"members": "user:3", "pik": 1}, True, 1.5, None]
)
def test_a_queue_that_cannot_be_read_is_refused_by_name(text: object) -> None:
    with pytest.raises(WrongArgument) as caught:
        written(queue=text)
    assert caught.value.parameter == "queue"
    assert "UserQueue" in str(caught.value)


@pytest.mark.parametrize("text", ["4 hours", "4h", "PT4H", "240 minutes", "0 days  4 hours"])
def test_durations_are_written_in_words_or_as_iso_8601(text: str) -> None:
    assert written(within=text)["within"] == timedelta(hours=4)


def test_a_filter_is_written_as_text() -> None:
    assert written(only="title contains 'Tea'")["only"] == F.title.contains("Tea")
    with pytest.raises(WrongArgument, match="parameter only"):
        written(only="title contains")


@pytest.mark.parametrize(
    ("text", "read"),
    [("user:3", User(3)), (3, 3), (["user:3", "group:eu"], (User(3), Group("eu"))), ([], ())],
)
def test_users_are_written_as_texts_also_where_they_may_be_left_out(text: object, read: object) -> None:
    @recipe("tests.told", since="1.0")
    def told(*, whom: Users | None = None, who: Users = 1) -> Process[..., Any]:
        """Tell somebody."""
        raise AssertionError

    assert told.parse({"whom": text, "who": text}) == {"whom": read, "who": read}


@pytest.mark.parametrize(
    ("text", "users"),
    [("user:3", User(3)), (["department:sales", 4], (Department("sales"), 4)), ("", None), (None, None)],
)
def test_settings_that_name_users_are_read_though_they_may_name_nobody(text: object, users: object) -> None:
    @recipe("test.users", since="1")
    def some(*, observers: Users | None = None) -> Process[..., Any]:
        @process("test.users")
        async def nothing() -> None: ...

        return nothing

    given = {} if text is None else {"observers": text}
    assert some.parse(given) == {"observers": users}
    with pytest.raises(WrongArgument, match="parameter observers"):
        some.parse({"observers": ["anna"]})


def test_a_secret_may_be_named_by_a_setting() -> None:
    @recipe("test.secret", since="1", needs=("secret.{key_in}",))
    def some(*, key_in: str = "TEA_KEY") -> Process[..., Any]:
        raise NotImplementedError

    assert [each.name for each in filled_in(some.needs[0], {"key_in": "TEA_KEY"})] == ["TEA_KEY"]


def test_plain_settings_are_read_by_their_type() -> None:
    @recipe("test.plain", since="1")
    def plain(*, amount: Decimal, day: date, some: tuple[int, ...] = ()) -> Process[..., Any]:
        @process("test.plain")
        async def nothing() -> None: ...

        return nothing

    assert plain.parse({"amount": 7.1, "day": "2026-05-31", "some": [1, 2]}) == {
        "amount": Decimal("7.1"),
        "day": date(2026, 5, 31),
        "some": (1, 2),
    }
    assert plain.parse({"amount": "7", "day": date(2026, 5, 31)})["amount"] == 7


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"pick": "best"}, "pick"), ({"pic": "random"}, "pic"), ({"within": 4}, "within"), ({"stages": [1]}, "stages")],
)
def test_a_wrong_setting_is_refused_by_name_before_anything_is_built(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        written(**settings)
    assert caught.value.parameter == name
    with pytest.raises(WrongArgument) as caught:
        use(hand_out, name="eu", **{"queue": UserQueue(3), **settings})
    assert caught.value.parameter == name


def test_a_setting_that_is_required_is_missed_by_name() -> None:
    with pytest.raises(WrongArgument, match="parameter queue: expected UserQueue, got nothing"):
        use(hand_out, name="eu")


def test_settings_are_described_as_a_json_schema() -> None:
    schema = hand_out.json_schema()
    assert schema["required"] == ["queue"]
    assert schema["properties"]["queue"]["description"] == "Who takes part."
    assert schema["properties"]["pick"]["enum"] == ["in_order", "random"]
    assert hand_out.settings[0].default is REQUIRED


def test_users_that_can_be_left_out_are_read_as_those_that_cannot() -> None:
    @recipe("test.users", since="1.0")
    def give(*, to: Users | None = None) -> Process[..., Any]:
        raise NotImplementedError

    assert give.parse({"to": ["user:3", "department:sales"]})["to"] == (User(3), Department("sales"))
    assert give.parse({"to": "department:sales"})["to"] == Department("sales")
    assert give.parse({})["to"] is None
    assert give.json_schema()["properties"]["to"].keys() == {"anyOf", "default"}


def test_a_secret_can_be_named_by_a_setting() -> None:
    @recipe("test.secret", since="1.0", needs=("secret.{key_in}",))
    def ask(*, key_in: str | None = None) -> Process[..., Any]:
        raise NotImplementedError

    assert [each.settings for each in ask.needs] == [("key_in",)]


@pytest.mark.parametrize(
    "need",
    [
        *("nonsense", "user.luck", "provider.pigeon", "field.deal", "stage.deal.", "secret.lower", "version.1"),
        *("bizproc>2", "stage.deal.{nobody}", ""),
    ],
)
def test_a_need_that_means_nothing_is_refused(need: str) -> None:
    with pytest.raises(RecipeDefinitionError, match="needs"):

        @recipe("test.wrong", since="1.0", needs=(need,))
        def wrong() -> Process[..., Any]:
            raise NotImplementedError


@pytest.mark.parametrize("function", [lambda queue: queue, lambda *, queue: queue, lambda **rest: rest])
def test_settings_that_are_not_named_and_typed_are_refused(function: Any) -> None:
    with pytest.raises(RecipeDefinitionError):
        recipe("test.wrong", since="1.0")(function)


def test_words_that_uses_have_for_themselves_are_no_settings() -> None:
    with pytest.raises(RecipeDefinitionError, match="`name`"):

        @recipe("test.wrong", since="1.0")
        def wrong(*, name: str) -> Process[..., Any]:
            raise NotImplementedError


def test_a_recipe_that_returns_no_process_is_refused() -> None:
    @recipe("test.wrong", since="1.0")
    def wrong() -> Process[..., Any]:
        return None  # type: ignore[return-value]

    with pytest.raises(RecipeDefinitionError, match="returns a process"):
        use(wrong, name="eu")


@pytest.mark.parametrize("name", ["", " eu", "eu\n", 3])
def test_a_use_needs_a_name(name: Any) -> None:
    with pytest.raises(BizprocError, match="name"):
        use(hand_out, name=name, queue=UserQueue(3))


def test_a_use_can_be_started_by_hand() -> None:
    @recipe("test.by_hand", since="1.0")
    def by_hand(*, text: str) -> Process[..., Any]:
        @process("test.by_hand")
        async def say(deal: Deal, *, twice: bool = False) -> str:
            return text * (2 if twice else 1)

        return say

    call = use(by_hand, name="loud", text="Ho")(Deal(id=1), twice=True)
    assert call.process.name == "loud"
    assert call.parameters == {"twice": True}
