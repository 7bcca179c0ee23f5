"""The billed amount in plain numbers is that of whole frames."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.credits.billed import billed
from stream_jobs.credits.billing import Billing
from stream_jobs.credits.terms import Terms, TermsRow
from stream_jobs.credits.terms_table import TermsTable

from .conftest import PricedFrame


@settings(max_examples=200, deadline=None)
@given(
    cost=st.integers(0, 10**15),
    markup_ppm=st.sampled_from([0, 1, 200_000, 333_333]),
    billing_type=st.sampled_from(["SYSTEM", "BYOK"]),
    plan=st.sampled_from(["", "PRO", "FREE", "Free"]),
)
def test_both_forms_agree(priced_frame: PricedFrame, cost: int, markup_ppm: int, billing_type: str, plan: str) -> None:
    frame = priced_frame([{"cost_nano_usd": cost, "billing_type": billing_type, "plan": plan}])
    (stored,) = billed(frame, TermsTable([TermsRow("acme", Terms(markup_ppm=markup_ppm))]).located(frame))[
        "billed_nano_usd"
    ]
    assert Billing(billing_type, plan, cost, markup_ppm).billed_nano_usd == stored


def test_the_rule_is_named() -> None:
    assert [Billing(*each, 10, 0).rule for each in (("SYSTEM", "PRO"), ("BYOK", "FREE"), ("SYSTEM", "free"))] == [
        *("billed", "own key", "free plan")
    ]
