"""An import can be killed at any moment, continues where it was, and counts everything once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers import upload as upload_module
from producers.importers.errors import CollectorUnavailable
from producers.importers.formats import Options, importer_for
from producers.importers.progress import Progress, ProgressFolder
from producers.importers.upload import Upload, upload
from tests.producers.importers.fakes import FakeCollector

BATCHES = 5
GOOD_ROWS = 9


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_module, "BATCH_EVENTS", 2)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten lines, two of them equal, one bad."""
    path = tmp_path / "trace.csv"
    seconds = ["01", "02", "03", "03", "xx", "06", "07", "08", "09", "10"]
    lines = [f"2023-11-16 18:17:{second},10,{int(second == '07')}" for second in seconds]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    return path


def run(trace: Path, collector: FakeCollector, again: bool = False, model: str = "gpt-4o") -> Upload:
    importer = importer_for(trace, Options("acme", constants={"provider": "openai", "model": model}))
    return upload(trace, importer, collector, ProgressFolder(trace.parent / "imports"), again=again)


def test_everything_is_sent_in_batches_and_settled(trace: Path) -> None:
    collector = FakeCollector()
    result = run(trace, collector)
    assert collector.batches == [2, 2, 1, 2, 2]
    assert len(collector.events) == GOOD_ROWS
    assert (result.progress.rows_done, result.progress.accepted, result.progress.rejected) == (10, 9, 1)
    assert result.progress.positions == {0: BATCHES - 1}
    assert (result.progress.finished, result.sent, result.resumed_rows) == (True, True, 0)


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("moment", ["dies_before", "dies_after"])
def test_an_import_killed_at_any_batch_continues_there(trace: Path, batch: int, moment: str) -> None:
    dying = FakeCollector(**{moment: batch})
    with pytest.raises(CollectorUnavailable):
        run(trace, dying)
    later = FakeCollector()
    result = run(trace, later)
    assert result.resumed_rows == 2 * batch
    assert len(later.batches) == BATCHES - batch
    assert len(dying.events | later.events) == GOOD_ROWS
    assert (result.progress.rows_done, result.progress.accepted, result.progress.rejected) == (10, 9, 1)


def test_a_finished_import_is_not_sent_again_unless_asked(trace: Path) -> None:
    collector = FakeCollector()
    first = run(trace, collector)
    unsent = run(trace, collector)
    assert (unsent.sent, unsent.progress) == (False, first.progress)
    assert len(collector.batches) == BATCHES
    repeated = run(trace, collector, again=True)
    assert (repeated.sent, repeated.progress.accepted) == (True, 9)
    assert len(collector.batches) == 2 * BATCHES
    assert len(collector.events) == GOOD_ROWS


def test_rejections_are_kept_once_with_index_and_reason_in_order(trace: Path) -> None:
    folder = ProgressFolder(trace.parent / "imports")
    refusing = FakeCollector(dies_after=3)
    refusing.refused_models = {"gpt-4o"}
    with pytest.raises(CollectorUnavailable):
        run(trace, refusing)
    refusing = FakeCollector()
    refusing.refused_models = {"gpt-4o"}
    result = run(trace, refusing)
    listed = folder.first_rejections(result.progress.import_id, 20)
    assert [rejection["index"] for rejection in listed] == list(range(1, 11))
    assert listed[0]["reason"] == "no such model"
    assert "time '2023-11-16 18:17:xx'" in str(listed[4]["reason"])
    assert result.progress.rejected == 10
    assert folder.first_rejections("another", 20) == []


def test_rejections_written_before_a_kill_but_not_settled_are_cut_off(tmp_path: Path) -> None:
    folder = ProgressFolder(tmp_path)
    stored = folder.save(Progress("one", "file"), [{"index": 1, "reason": "a"}])
    with folder.rejections("one").open("ab") as file:
        file.write(b'{"index":2,"reason":"unsettled"}\n')
    folder.save(stored, [{"index": 2, "reason": "b"}])
    assert [rejection["reason"] for rejection in folder.first_rejections("one", 20)] == ["a", "b"]


def test_another_option_is_another_import(trace: Path) -> None:
    collector = FakeCollector()
    run(trace, collector)
    assert run(trace, collector, model="gpt-4.1").sent
    assert len(collector.events) == GOOD_ROWS


def test_an_empty_trace_finishes_without_a_request(tmp_path: Path) -> None:
    trace = tmp_path / "empty.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n")
    collector = FakeCollector()
    assert run(trace, collector).progress.finished
    assert collector.batches == []


@given(st.lists(st.dictionaries(st.integers(0, 3), st.integers(0, 9), max_size=3), max_size=5))
def test_positions_are_the_highest_of_each_partition(receipts: list[dict[int, int]]) -> None:
    progress = Progress("one", "file")
    for positions in receipts:
        progress = progress.after(1, 1, 0, positions)
    for partition in {partition for positions in receipts for partition in positions}:
        assert progress.positions[partition] == max(positions.get(partition, -1) for positions in receipts)
