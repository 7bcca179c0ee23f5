"""`./tally test --chaos 10m`: how long a run is to be."""

import pytest

from deploy.cli.test import minutes
from deploy.errors import WrongSetting


def test_minutes_are_written_with_or_without_m() -> None:
    assert (minutes("10m"), minutes("3")) == ("10", "3")


@pytest.mark.parametrize("length", ["", "0m", "ten", "10s", "-1m"])
def test_anything_else_says_what_to_write(length: str) -> None:
    with pytest.raises(WrongSetting, match="such as 10m"):
        minutes(length)
