"""The terms of a state of the configuration: its number in, the rows of every owner's revision out."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from stream_jobs.credits.terms import Terms, TermsRow

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_TERMS: Final = """
SELECT organization, basis, credits_per_usd, rounding, markup_ppm, free_daily_limit,
    toUnixTimestamp(effective_from) AS from_unix_seconds, note, source
FROM terms FINAL
WHERE (organization, revision) IN (
    SELECT organization, max(revision) FROM config_revisions
    WHERE kind = 'multipliers' AND revision > {since:UInt32} AND revision <= {state:UInt32} GROUP BY organization
)
ORDER BY organization, effective_from
"""


def terms_of_state(client: "Client", state: int, since: int = 0) -> list[TermsRow]:
    """The terms of the default and of each organization; none where nobody has set any.

    since: a state; only of those that have a revision after it.

    Raises CreditRulesRefused when a row cannot be right.
    """
    found = client.query(_TERMS, {"state": state, "since": since}).result_rows
    return [
        TermsRow(
            organization,
            Terms(basis, credits_per_usd, rounding, int(markup_ppm), int(limit)),
            datetime.fromtimestamp(from_unix_seconds, UTC),
            note,
            source,
        )
        for organization, basis, credits_per_usd, rounding, markup_ppm, limit, from_unix_seconds, note, source in found
    ]
