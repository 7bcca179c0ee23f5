"""A dry run in words and figures."""

from datetime import date

import pytest
from rich.console import Console

from deploy.cli.asking.report import LINES_SHOWN, credits, difference_table, moves_table, summary, usd
from producers.timeliness.rules import TimeRules
from stream_jobs.control.difference import Difference, Line, Move, together
from warehouse.control.met import Totals

DAY = date(2026, 3, 28)
TIMES = TimeRules(retention_days=90)
ONE = Line(DAY, "[gpt]", Totals(2, 1000, 5, 2_500_000_001, 7, 1_500_000), Totals(2, 1000, 5, 3, 7, 0))


def shown(what: object) -> str:
    console = Console(record=True, width=250, highlight=False, markup=False)
    console.print(what)
    return console.export_text()


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "0"), (1, "0.000000001"), (2_500_000_000, "2.5"), (10**12, "1,000"), (-5 * 10**8, "-0.5")]
)
def test_money_is_exact(nano: int, text: str) -> None:
    assert usd(nano) == text


def test_credits_are_exact() -> None:
    assert credits(1_500_001) == "1.500001"


def test_only_what_changes_has_an_arrow() -> None:
    text = shown(difference_table(Difference((ONE,))))
    assert "[gpt]" in text
    assert "2.500000001 → 0.000000003" in text
    assert "1.5 → 0" in text
    assert "1,000 →" not in text


def test_long_tables_end_and_sum_up() -> None:
    lines = tuple(Line(DAY, str(number), Totals(1), Totals()) for number in range(LINES_SHOWN + 5))
    text = shown(difference_table(Difference(lines)))
    assert "5 more lines" in text
    assert f"{LINES_SHOWN + 5} → 0" in text


def test_moves_and_nothing() -> None:
    assert "''" in shown(moves_table(Difference((), (Move("category", "", "code", 1200),))))
    assert "1,200" in shown(moves_table(Difference((), (Move("category", "", "code", 1200),))))


def test_sentences() -> None:
    found = Difference((ONE,), named=5)
    assert summary("void", found, TIMES) == "2 events on 1 day are met; 3 have not come: they are waited for."
    assert "which changes nothing that is right" in summary("repair", found, TIMES)
    assert summary("void", Difference((ONE,)), TIMES) == "2 events on 1 day are met."


def test_one_event_is_one() -> None:
    one = Difference((Line(DAY, "gpt", Totals(1), Totals()),))
    assert summary("void", one, TIMES) == "1 event on 1 day is met."


def test_events_that_are_gone_are_not_waited_for() -> None:
    gone, both = Difference((), named=1, gone=1), Difference((ONE,), named=6, gone=3)
    nothing = "0 events on 0 days are met; 1 is void, erased or no longer kept: nothing changes there."
    assert summary("replace", gone, TIMES) == nothing
    assert summary("void", both, TIMES) == (
        "2 events on 1 day are met; 3 are void, erased or no longer kept: nothing changes there; "
        "1 has not come: it is waited for."
    )
    assert together([gone, both]).gone == 4


def test_what_is_left_as_it_is_is_told() -> None:
    found = Difference((ONE,), left=12, first_whole_day=date(2026, 3, 1))
    assert summary("void", found, TIMES) == (
        "2 events on 1 day are met. 12 events are left as counted, of days before 2026-03-01: raw usage may be "
        "deleted once it is 90 days old (TALLY_USAGE_RETENTION_DAYS), so these days are not computed again."
    )
    both = together([found, found])
    assert (both.left, both.first_whole_day) == (24, date(2026, 3, 1))


def test_several_records_are_one_request() -> None:
    both = together([Difference((ONE,), (Move("a", "", "x", 1),), 2), Difference((ONE,), (Move("a", "", "x", 3),), 1)])
    assert (both.named, both.met, both.moves) == (3, 4, (Move("a", "", "x", 4),))
    assert both.lines[0].before == ONE.before + ONE.before
