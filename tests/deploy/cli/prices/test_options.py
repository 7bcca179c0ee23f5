"""What the commands about prices refuse before anything is asked."""

import pytest
from typer.testing import CliRunner

from deploy.cli.prices.multipliers import app as multipliers
from deploy.cli.prices.multipliers import meant
from deploy.cli.prices.options import named, window
from deploy.cli.prices.prices import app as prices
from deploy.errors import WrongSetting


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set", "gpt-4o", "input_mtok=1"], "gpt-4o: write PROVIDER/MODEL, for example openai/gpt-4o"),
        (["set", "openai/gpt-4o", "input=1"], "there is no unit input; units are"),
        (["set", "openai/gpt-4o", "input_mtok=x"], "'x' is no number"),
        (["set", "openai/gpt-4o", "input_mtok=1", "--from", "soon"], "--from soon: write a date or time"),
        (["set", "openai/gpt-4o", "input_mtok=1", "--from", "9999-12-31T23:00-05:00"], "write a date from 1970 to"),
        (["set", "openai/gpt-4o", "input_mtok=NaN"], "'NaN' is no number; write USD like 2.5"),
        (["set", "openai/gpt-4o", "input_mtok=1", "--daily", "16:30"], "--daily 16:30: write both ends in UTC"),
        (["set", "openai/gpt-4o", "input_mtok=1", "--daily", "16:30-16:30"], "two different times of day"),
        (["expire", "/gpt-4o"], "write PROVIDER/MODEL"),
    ],
)
def test_prices_that_cannot_be_set(arguments: list[str], message: str) -> None:
    with pytest.raises(WrongSetting) as caught:
        CliRunner().invoke(prices, arguments, catch_exceptions=False)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["much", "-1", "1001", "0.0001", "nan", "1_0", "٣", "1e999999"])
def test_multipliers_that_cannot_be_set(text: str) -> None:
    with pytest.raises(WrongSetting, match="is no multiplier; write a number from 0 to 1000"):
        CliRunner().invoke(multipliers, ["set", "--", "openai/gpt-4o", text], catch_exceptions=False)


def test_models_and_windows() -> None:
    assert named("openrouter/anthropic/claude-3") == ("openrouter", "anthropic/claude-3")
    assert window("16:30-00:30") == ("16:30:00", "00:30:00")
    assert window("") == ("", "")
    assert [meant(text) for text in ("default", "/gpt-4o", "openai/gpt-4o")] == [
        ("", ""),
        ("", "gpt-4o"),
        ("openai", "gpt-4o"),
    ]
