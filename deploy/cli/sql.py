"""`./tally sql`: one question to the warehouse, asked as the read-only analyst."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from deploy.cli.warehouse import connected

app = typer.Typer(add_completion=False)


class Format(StrEnum):
    """How the answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


CLICKHOUSE_FORMAT = {Format.table: "PrettyCompactMonoBlock", Format.csv: "CSVWithNames", Format.json: "JSONEachRow"}


@app.command()
def sql(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help='For example "SELECT * FROM usage_daily".')],
    format: Annotated[Format, typer.Option("--format", help="json: one object per line.")] = Format.table,
) -> None:
    """Ask the warehouse as the read-only analyst."""
    with connected("analyst") as (client, _):
        # The driver appends FORMAT to the text: a closing semicolon would end it before.
        answer = client.raw_query(question.rstrip().rstrip(";"), fmt=CLICKHOUSE_FORMAT[format])
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()
