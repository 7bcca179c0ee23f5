"""What lies before an erasure: its own partition up to the record, former generations, and nothing of later ones."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.statements import of_bytes

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
    whole = replace(SCOPE, whole=True)
    until = of_bytes(whole, datetime(2026, 3, 14, tzinfo=UTC))
    assert accounts <= set(of_bytes(whole)) == set(until)
    assert until["closed_usage"].startswith("(organization = 'acme') AND closed <= ")
    assert not accounts & set(of_bytes(SCOPE))
