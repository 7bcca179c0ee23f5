"""What lies before an erasure: its own partition up to the record, former generations, and nothing of later ones."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.statements import of_bytes, of_quarantine

SCOPE = Scope("00000000-0000-0000-0000-000000000001", "acme", 1029, 50, whole=False)


@pytest.mark.parametrize(
    ("partition", "offset", "lies_before"),
    [(1029, 50, True), (1029, 51, False), (5, 900, True), (1023, 0, True), (1028, 3, False), (2053, 3, False)],
)
def test_a_later_generation_of_the_topic_is_not_before_the_record(
    partition: int, offset: int, *, lies_before: bool
) -> None:
    found = re.fullmatch(
        r"\(src_partition < (\d+) OR \(src_partition = (\d+) AND src_offset <= (\d+)\)\)", SCOPE.before
    )
    assert found is not None
    first, home, cut = map(int, found.groups())
    assert (partition < first or (partition == home and offset <= cut)) is lies_before


def test_the_accounts_of_an_organization_go_with_it_and_stay_when_a_user_goes() -> None:
    accounts = {"closed_usage", "closed_periods", "provider_costs", "provider_cost_reports"}
    asked = datetime(2026, 3, 14, tzinfo=UTC)
    whole = of_bytes(replace(SCOPE, whole=True), asked)
    assert accounts <= set(whole)
    assert whole["closed_usage"].startswith("(organization = 'acme') AND closed <= ")
    assert not accounts & set(of_bytes(SCOPE, asked))


def test_only_what_the_log_held_before_the_erasure_goes() -> None:
    bounds = {
        table: where.rsplit(" AND ", 1)[1] for table, where in of_bytes(SCOPE, datetime.fromtimestamp(5, UTC)).items()
    }
    assert bounds["directory_entries"] == "created <= fromUnixTimestamp64Milli(toInt64(5000), 'UTC')"
    assert bounds["rejected"] == "time <= fromUnixTimestamp64Milli(toInt64(65000), 'UTC')", "other clocks may be ahead"
    assert of_quarantine(SCOPE)["raw"].startswith("(src_partition != 1029 OR src_offset <= 50) AND ")
