"""`./tally prices`: what models cost, since when and who said so; changed by revisions that are never edited."""

import typer

from deploy.cli.prices import additions, importing, looking, setting

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def prices() -> None:
    """Look at prices and change them: for everyone, or for one organisation."""


app.command("list")(looking.list_)
app.command()(looking.show)
app.command("set")(setting.set_)
app.command()(setting.expire)
app.command("import")(importing.import_)
app.command()(additions.additions)
app.command()(looking.diff)
app.command()(looking.history)
app.command()(looking.missing)
