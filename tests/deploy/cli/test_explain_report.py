"""How an explanation reads."""

from dataclasses import replace
from decimal import Decimal
from io import StringIO

from rich.console import Console

from deploy.cli.explain_report import held, show
from stream_jobs.corrections.change import Change
from stream_jobs.explanation.explanation import Explanation
from tests.stream_jobs.explanation.conftest import NOON, made
from warehouse.queries.corrected import AwaitedChange, FormerVersion


def shown(found: Explanation) -> str:
    text = StringIO()
    show(found, Console(file=text, width=200, highlight=False, markup=False))
    return text.getvalue()


def test_the_sum_and_what_it_rests_on() -> None:
    text = shown(made())
    for said in (
        "0.002500000 USD, priced: 00000000-0000-0000-0000-000000000007 of acme",
        "openai / gpt-4o: priced as openai/gpt-4o, found by provider and model",
        "revision 1, for everyone, from always",
        "0.0025 USD exactly; 0.002500000 USD stored, nothing to round",
        "2: one request at 2x (premium), revision 1: everyone's multiplier of openai/gpt-4o, from always",
        "0.003000000 USD: SYSTEM, cost plus 20 %",
        "prices 1, made 2026-03-14 12:00:00 by ada, from a list: the first",
        "revision 2 it would cost 0.005000000 USD, priced: +0.0025 USD",
    ):
        assert said in text
    assert "WRONG" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("input_tokens")][:1]
    assert line.split() == [
        *("input_tokens", "1000", "2.5", "1,000,000", "input_tokens", "0.0025", "openai/gpt-4o", "input_mtok,"),
        *("a", "list"),
    ]


def test_what_is_missing_wrong_or_reported_is_said() -> None:
    text = shown(made(output_tokens=7, cost_status="partial", reported_cost_nano_usd=2_400_000))
    assert "nothing prices output_tokens: the cost is partial" in text
    assert "the provider reported 0.002400000 USD: -0.000100000 USD beside ours" in text
    assert "cost_nano_usd is 5, explained is 2500000" in shown(made(cost_nano_usd=5))
    assert "the customer's own key" in shown(made(billing_type="BYOK", billed_nano_usd=0))
    assert "the plan Free is billed nothing" in shown(made(plan="Free", billed_nano_usd=0))


def test_prices_that_do_not_hold_are_not_called_in_force() -> None:
    cost = made().cost
    assert list(held(replace(cost, effective_from=None))) == ["revision 1: no price holds at that time"]
    assert "revision 1: it has no price for this name" in shown(made(model="small", priced_as=""))


def test_who_changed_an_event_before_it_came_is_said() -> None:
    change = Change(reprices=True, columns={"input_tokens": 1000})
    said = AwaitedChange("acme", NOON, "id-4", "replace", change.text(), 5, "ada", "counted twice", NOON)
    void = replace(said, kind="void", change=Change(void=True).text(), author="", note="", asked=None)
    text = shown(made(at_birth=[said, void]))
    assert "replace id-4 by ada, in the log 2026-03-14 12:00:00, before it came: input_tokens = 1000: counted" in text
    assert "void id-4 by nobody named, before it came: void\n" in text


def test_of_a_void_event_it_is_said_that_it_counts_nowhere() -> None:
    assert "counts nowhere" not in shown(made())
    nothing = Decimal(0)
    later = FormerVersion(
        *("id-5", "void", "ada", "a test call", NOON, NOON), 1, nothing, nothing, nothing, 0, 0, "", {}
    )
    before = AwaitedChange("acme", NOON, "id-4", "void", Change(void=True).text(), 5, "", "", None)
    end = "; what follows is what it would cost\n"
    assert f"it counts nowhere: void id-5 by ada, in the log 2026-03-14 12:00:00{end}" in shown(
        made(void=True, former=[later])
    )
    assert f"it counts nowhere: void id-4 by nobody named, before it came{end}" in shown(
        made(void=True, at_birth=[before])
    )
    assert f"it counts nowhere: a control record says so{end}" in shown(made(void=True))
