"""What commands about prices and multipliers understand alike: options, and the model that an argument names."""

from typing import Annotated

import typer

from deploy.errors import WrongSetting
from stream_jobs.pricing.time_of_day import time_of_day

LISTED = 200
Model = Annotated[str, typer.Argument(metavar="PROVIDER/MODEL", help="As `list` shows it.")]
Organization = Annotated[str, typer.Option(help="This organisation's own; without it what holds for everyone.")]
AnyOrganization = Annotated[
    str | None, typer.Option(help="Only this organisation's own, beside what holds for everyone; '' for that alone.")
]
State = Annotated[int | None, typer.Option("--revision", min=1, help="As of this revision; else the newest.")]
From = Annotated[
    str, typer.Option("--from", help="From when (UTC unless it says else): a date, a time, `always`; else from now on.")
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, a line each.")]
All = Annotated[bool, typer.Option("--all", help="Every line, however many.")]
Before = Annotated[int, typer.Argument(min=1, help="Revision.")]
After = Annotated[int, typer.Argument(min=1, help="Revision.")]


def named(model: str) -> tuple[str, str]:
    """Provider and model of PROVIDER/MODEL; the model may have slashes. Raises WrongSetting."""
    provider, slash, name = model.partition("/")
    if not (provider and slash and name):
        raise WrongSetting(f"{model}: write PROVIDER/MODEL, for example openai/gpt-4o")
    return provider, name


def window(daily: str) -> tuple[str, str]:
    """Both ends of HH:MM-HH:MM as HH:MM:SS; empty for no text. Raises WrongSetting."""
    if not daily:
        return "", ""
    try:
        start, end = map(time_of_day, daily.split("-"))
    except ValueError:
        raise WrongSetting(f"--daily {daily}: write both ends in UTC, like 16:30-00:30") from None
    if start == end or not (start and end):
        raise WrongSetting(f"--daily {daily}: write two different times of day in UTC, like 16:30-00:30")
    return start, end
