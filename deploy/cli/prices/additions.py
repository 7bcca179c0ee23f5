"""Puts in force what a release adds to the catalogue: its files in, a revision of prices and one of multipliers out."""

from deploy.cli.asking.flat import flat
from deploy.cli.asking.options import How
from deploy.cli.prices import multipliers
from deploy.cli.prices.changing import Changing
from deploy.cli.prices.setting import show_plan
from deploy.cli.warehouse import connected
from stream_jobs.additions import shipped_additions, with_fitting, with_new_multipliers
from stream_jobs.additions.rows import SOURCE
from stream_jobs.configuring.ledger import MULTIPLIERS, PRICES


@flat
def additions(how: How) -> None:
    """Put in force what this release adds: display names, free marks and multipliers that are not in force yet."""
    said = shipped_additions()
    with connected("tally") as (client, _):
        Changing(client, PRICES, "", how, show_plan).make(lambda rows, _: with_fitting(rows, said), SOURCE)
        Changing(client, MULTIPLIERS, "", how, multipliers.show_plan).make(
            lambda rows, _: with_new_multipliers(rows, said), SOURCE
        )
