"""What a run does follows from its seed, and what it found can be read again."""

from collections import Counter
from itertools import islice
from pathlib import Path

from tests.chaos.event import Posted
from tests.chaos.faults import plan
from tests.chaos.results import Result, RoundResult, table
from tests.chaos.traffic import Traffic

NOW_MS = 1_794_000_000_000


def envelopes(seed: str, count: int = 300) -> list[tuple[float, Posted]]:
    return list(islice(Traffic(seed, 0, 6, NOW_MS).envelopes(20_000, 60), count))


def test_the_same_seed_gives_the_same_traffic_and_faults() -> None:
    assert envelopes("7") == envelopes("7")
    assert envelopes("7") != envelopes("8")
    assert plan("7", 0, 75) == plan("7", 0, 75)
    assert plan("7", 0, 75) != plan("7", 1, 75)


def test_traffic_mixes_single_events_full_envelopes_copies_and_every_format() -> None:
    sent = [posted for _, posted in envelopes("7")]
    sizes = Counter(len(posted.events) for posted in sent)
    assert sizes[1] > 50
    assert max(sizes) > 150
    assert {posted.form for posted in sent} == {"ndjson", "gzip", "zstd", "arrow", "garbage"}
    identities = Counter(event.identity for posted in sent for event in posted.events)
    assert sum(count - 1 for count in identities.values()) > 100
    assert any(posted.bad_lines for posted in sent)


def test_a_plan_kills_often() -> None:
    kinds = Counter(fault.kind for seed in range(10) for number in range(6) for fault in plan(str(seed), number, 75))
    assert kinds.total() > 500
    assert sum(count for kind, count in kinds.items() if kind.startswith("kill")) > 300
    assert kinds["set warehouse back"] > 20


def test_kept_results_are_read_again_and_wrong_rows_end_a_run(tmp_path: Path) -> None:
    good = RoundResult(80, 10_000, {"kill worker": 3, "kill broker": 1}, {"-9": 3}, 20, 50_000, 0, 40_000, 0, "", [])
    result = Result("7", 10, "", [good])
    result.write(tmp_path / "seed-7.json")
    assert Result.read(tmp_path / "seed-7.json") == result
    assert not result.is_complete()
    assert "4 (3 worker, 1 broker)" in table([result])
    wrong = RoundResult(80, 10_000, {}, {}, 20, 50_000, 2, 40_000, 0, "", ["rollup day: …"])
    assert Result("7", 10, "", [good, wrong]).is_complete()
