"""A mutation that fails is waited for; only one's own counts, and one that only fails is called off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest

from stream_jobs.erasure import mutation
from stream_jobs.erasure.mutation import Mutation
from warehouse.errors import WarehouseStrained

NO_MEMORY = "Code: 241. DB::Exception: memory limit exceeded in 'u1'"
DONE, AT_WORK, FAILING = (1, ""), (0, ""), (0, NO_MEMORY)
MARK = "5f0d"


@dataclass
class Warehouse:
    """Answers with one state of the mutation after the other, the last for ever."""

    states: Sequence[tuple[int, str] | None]
    seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        state = self.states[min(len(self.asked), len(self.states) - 1)]
        self.asked.append(sql)
        return [] if state is None else [state]

    def sleep(self, _: float) -> None:
        self.seconds += 60.0

    def carry_out(self) -> None:
        made = Mutation(self.rows, self.commands.append, "usage_raw", 300.0, MARK)
        made.carry_out("DELETE WHERE (organization = 'acme')")


@pytest.fixture
def clock() -> Iterator[Any]:
    with patch.object(mutation, "time") as clock:
        yield clock


def carried_out(clock: Any, *states: tuple[int, str] | None) -> Warehouse:
    made = Warehouse(states)
    clock.sleep, clock.monotonic = made.sleep, lambda: made.seconds
    made.carry_out()
    return made


def test_a_mutation_that_fails_for_a_while_is_waited_for(clock: Any) -> None:
    told = carried_out(clock, AT_WORK, FAILING, FAILING, FAILING, AT_WORK, FAILING, FAILING, FAILING, DONE)
    [said] = told.commands
    assert said.startswith(f"ALTER TABLE usage_raw DELETE WHERE (organization = 'acme') AND notEmpty('{MARK}')")


def test_other_peoples_mutations_of_the_table_are_not_looked_at(clock: Any) -> None:
    told = carried_out(clock, DONE)
    assert all(f"position(command, '{MARK}') > 0" in sql for sql in told.asked)


def test_one_that_only_fails_is_called_off_and_may_be_tried_again_later(clock: Any) -> None:
    made = Warehouse([FAILING])
    clock.sleep, clock.monotonic = made.sleep, lambda: made.seconds
    with pytest.raises(WarehouseStrained, match="rows of usage_raw cannot be changed now: Code: 241") as refused:
        made.carry_out()
    assert "u1" not in str(refused.value)
    assert made.seconds > 300.0
    assert made.commands[1].startswith("KILL MUTATION WHERE ")
    assert f"position(command, '{MARK}') > 0" in made.commands[1]


def test_one_that_somebody_called_off_is_not_taken_for_done(clock: Any) -> None:
    with pytest.raises(WarehouseStrained, match="called the mutation off"):
        carried_out(clock, AT_WORK, None)
