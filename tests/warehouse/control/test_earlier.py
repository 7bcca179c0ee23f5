"""A job waits for earlier ones of its partition that may be about the same events, and says what people must do."""

from dataclasses import dataclass

from warehouse.control.earlier import Earlier, earlier


@dataclass(frozen=True, slots=True)
class Job:
    """An open job."""

    control_id: str
    organization: str = "acme"
    wanted: str = "run"
    partition: int = 3
    kind: str = "void"


def test_only_earlier_jobs_about_the_same_organization_are_waited_for() -> None:
    assert earlier([Job("a", partition=4), Job("b", "zen"), Job("c"), Job("d")]) == {(3, "d"): Earlier("c", "void")}
    assert set(earlier([Job("a", ""), Job("b", "zen"), Job("c", "")])) == {(3, "b"), (3, "c")}


def test_what_people_have_to_do_something_about_is_named_first() -> None:
    found = earlier([Job("a"), Job("b", wanted="pause"), Job("c", wanted="pause"), Job("d")])
    assert found[3, "d"] == Earlier("b", "void", is_paused=True)
    assert str(found[3, "d"]) == "waits for void b, which is paused: resume or cancel it"


def test_behind_what_waits_for_a_paused_one_nothing_goes_on_either() -> None:
    found = earlier([Job("a", "zen", "pause"), Job("b", ""), Job("c"), Job("d", "zen")])
    assert found[3, "c"] == Earlier("b", "void", is_held=True)
    assert found[3, "c"].needs_people
    assert "waits for void b, which waits for a paused one" in str(found[3, "c"])
    assert found[3, "d"] == Earlier("a", "void", is_paused=True)
