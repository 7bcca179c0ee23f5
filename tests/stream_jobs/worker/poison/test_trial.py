"""The child that tries envelopes, with the prices of the real catalogue: what ends it is told and ends nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.worker.books import Books
from stream_jobs.worker.poison import trial
from stream_jobs.worker.poison.culprits import Search
from stream_jobs.worker.poison.trial import Child, Outcome, Trial
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.take import Envelope, Rules
from tests.stream_jobs.worker.poison.deadly import BOMB, RAISE, SEGFAULT
from tests.stream_jobs.worker.sent import Sent, rules

pytestmark = pytest.mark.integration
SETTINGS = WorkerSettings()


def deadly_rules() -> Rules:
    """Rules in force, in a process that some events end: the module of the deaths comes along with this one."""
    prices = PriceBook.from_rows(catalogue_rows(), revision=1)
    return replace(rules(), books=Books.of(prices, MultiplierTable.from_rows([], revision=1)))


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child(deadly_rules, SETTINGS)
    yield made
    made.close()


def envelope(deadly: dict[int, bytes], lines: int = 20) -> Envelope:
    texts = [json.dumps({**Sent(n).fields, "user_id": deadly.get(n, b"u").decode()}).encode() for n in range(lines)]
    return Envelope(0, 5, 1_774_699_200_000, None, b"\n".join(texts))


@pytest.mark.parametrize(("mark", "how"), [(SEGFAULT, "by SIGSEGV"), (RAISE, "ZeroDivisionError"), (BOMB, "Memory")])
def test_e29_the_events_that_end_a_process_are_found_by_processes_that_they_end(
    child: Child, mark: bytes, how: str
) -> None:
    found = Search(child, lambda: None).culprits(envelope({2: mark}, lines=4), {})
    assert set(found) == {2}
    assert how in found[2].reason
    assert mark in found[2].raw
    assert Search(child, lambda: None).culprits(envelope({2: mark}, lines=4), found) == {}


def test_e29_healthy_envelopes_pass_and_what_cannot_be_unpacked_is_no_crime(child: Child) -> None:
    for value in (envelope({}).value, b"\x1f\x8bno gzip", b""):
        assert Search(child, lambda: None).culprits(replace(envelope({}), value=value), {}) == {}
    assert child.ask(Trial(envelope({}), "count")) == Outcome(answer=20)


def test_e29_a_hang_ends_in_time(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", -4.5)  # the worker's own limit lies 5 s above the child's
    assert child.ask(Trial(envelope({0: b"deadly-hang"}))).failure.startswith("did not end within")


def test_e29_a_child_that_cannot_start_convicts_nobody() -> None:
    for loading in (lambda: rules(), no_rules):
        with pytest.raises(OSError, match="a process to try envelopes in"):
            Child(loading, SETTINGS).ask(Trial(envelope({})))


def no_rules() -> Rules:
    """The warehouse does not answer."""
    raise ConnectionError("away")
