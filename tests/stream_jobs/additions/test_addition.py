"""A provider's file of additions: what it says, and every way in which it is refused."""

from datetime import UTC, datetime

import pytest

from stream_jobs.additions.addition import Addition, read_additions
from stream_jobs.additions.errors import AdditionsRefused
from stream_jobs.credits.multiplier_row import ALWAYS


def _read(*items: str, provider: str = "acme") -> list[Addition]:
    text = f"provider: {provider}\nadditions:\n" + "".join(f"- {{{item}}}\n" for item in items)
    return read_additions(text, f"{provider}.yaml")


def test_everything_an_item_may_say() -> None:
    assert _read(
        "name: Big, models: [big, 'big:free'], multiplier: '0.125', tier: economy, from: 2026-02-01",
        "name: Big, models: [big], display_name: Big One",
        "name: Small, models: [small], free: true, from: 2026-03-01",
    ) == [
        Addition(
            "acme.yaml, item 1",
            "acme",
            ("big", "big:free"),
            "Big",
            datetime(2026, 2, 1, tzinfo=UTC),
            multiplier_milli=125,
        ),
        Addition("acme.yaml, item 2", "acme", ("big",), "Big", ALWAYS, display_name="Big One"),
        Addition("acme.yaml, item 3", "acme", ("small",), "Small", datetime(2026, 3, 1, tzinfo=UTC), free=True),
    ]


def test_the_multiplier_of_all_other_models() -> None:
    (found,) = _read("name: default, multiplier: 1, tier: standard", provider="any")
    assert (found.provider, found.models, found.multiplier_milli) == ("", (), 1000)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("models: [m], multiplier: 1", "must hold `name`"),
        ("name: X, models: [m], multiplier: 1, price: 3", "no fields but"),
        ("name: X, multiplier: 1", "`models` must be a list of the catalogue's ids"),
        ("name: X, models: m, multiplier: 1", "`models` must be a list"),
        ("name: X, models: [m]", "it says nothing"),
        ("name: X, models: [m], multiplier: 0.0001", "'0.0001' is no multiplier"),
        ("name: X, models: [m], multiplier: NaN", "'NaN' is no multiplier"),
        ("name: X, models: [m], multiplier: 1_0", "'1_0' is no multiplier"),
        ("name: X, models: [m], multiplier: 1e999999", "'1e999999' is no multiplier"),
        ("name: X, models: [m], multiplier: 1, from: 1950-01-01", "1950-01-01 lies outside 1970 to 2099"),
        ("name: X, models: [m], multiplier: 1, from: 2200-01-01", "2200-01-01 lies outside 1970 to 2099"),
        ("name: X, models: [m], display_name: ''", "display_name is ''; write a name"),
        ("name: X, models: [m], display_name: [y]", "display_name is ['y']; write a name"),
        ("name: [x], models: [m], multiplier: 1", "name is ['x']; write a name"),
        ("name: X, models: [m], multiplier: -1", "multiplier of -1000 thousandths"),
        ("name: X, models: [m], multiplier: 2, tier: standard", "its multiplier makes it the tier premium"),
        ("name: X, models: [m], free: true, tier: economy", "its multiplier makes it no tier"),
        ("name: X, models: [m], free: maybe", "free is 'maybe'"),
        ("name: X, models: [m], free: false", "a model stops being free on a date; add `from`"),
        ("name: X, models: [m], multiplier: 1, from: tomorrow", "'tomorrow' is no date"),
        ("name: X, models: [m], display_name: Y, from: 2026-01-01", "a display_name holds for all time"),
    ],
)
def test_items_that_cannot_be_right(item: str, problem: str) -> None:
    with pytest.raises(AdditionsRefused) as refused:
        _read("name: Fine, models: [fine], multiplier: 1", item)
    (found,) = refused.value.problems
    assert found.startswith("acme.yaml, item 2: ")
    assert problem in found


def test_what_was_said_can_be_changed_by_a_new_item() -> None:
    found = _read(
        "name: X, models: [m], display_name: One",
        "name: X, models: [m], display_name: Another",
        "name: X, models: [m], free: true",
        "name: X, models: [m], free: false, from: 2026-03-01",
    )
    assert [one.display_name for one in found] == ["One", "Another", None, None]
    assert [one.free for one in found] == [None, None, True, False]


def test_the_same_thing_twice_and_all_problems_at_once() -> None:
    with pytest.raises(AdditionsRefused) as refused:
        _read(
            "name: X, models: [m], multiplier: 1",
            "name: X, models: [m], multiplier: 2",
            "name: X, models: [m], multiplier: 2, from: 2026-01-01",
            "name: X, models: [m]",
        )
    assert refused.value.problems == (
        "acme.yaml, item 4: it says nothing; give a multiplier, a display_name or a free mark",
        "acme.yaml, item 2: multiplier of m again from the same date, first in acme.yaml, item 1",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("provider: [", "acme.yaml is not YAML"),
        ("provider: acme", "must hold `provider`, an id of the catalogue, and `additions`"),
        ("provider: acme\nadditions: 3", "`additions` must be a list"),
        ("provider: other\nadditions: []", "the file be named after its provider"),
    ],
)
def test_files_that_are_none(text: str, problem: str) -> None:
    with pytest.raises(AdditionsRefused, match=problem):
        read_additions(text, "acme.yaml")


def test_what_is_said_twice_in_one_item_is_refused_with_its_line() -> None:
    with pytest.raises(AdditionsRefused, match=r"(?s)'multiplier' is said twice; keep one.*line 3"):
        _read("name: X, models: [m], multiplier: 2, multiplier: 5")
