"""`./tally import`: a file of another tool in, its usage counted and visible when the command returns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.console import narrow_console
from deploy.cli.import_report import report, send
from deploy.cli.ingest_key import ingest_key
from deploy.cli.visibility import wait_shown
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from producers.importers.collector_client import HttpCollector
from producers.importers.errors import ImporterError, UnreadableSource, WrongOptions
from producers.importers.formats import FORMATS, Options, importer_for
from producers.importers.progress import ProgressFolder
from producers.importers.upload import Upload

app = typer.Typer(add_completion=False)

FORMAT_HELP = "Found out when absent. " + " ".join(f"{name}: {meaning}." for name, meaning in FORMATS.items())


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to import.")],
    organization: Annotated[str, typer.Option("--organization", help="Whose usage this is.")],
    format_: Annotated[str | None, typer.Option("--format", help=FORMAT_HELP)] = None,
    source: Annotated[str, typer.Option(help="Name of the browser or server the file comes from.")] = "",
    provider: Annotated[str, typer.Option(help="Provider of every event.")] = "",
    model: Annotated[str, typer.Option(help="Model of every event.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="For every event.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Of a CSV file.")] = None,
    timezone: Annotated[str, typer.Option(help="CSV: zone of times that name none.")] = "UTC",
    input_includes_cache: Annotated[
        bool, typer.Option("--input-includes-cache", help="CSV: input_tokens contains cache reads and writes.")
    ] = False,
    output_includes_reasoning: Annotated[
        bool, typer.Option("--output-includes-reasoning", help="CSV: output_tokens contains reasoning_tokens.")
    ] = False,
    prompt_preview: Annotated[
        bool, typer.Option("--prompt-preview", help="llms: also take the beginnings of the prompts, private text.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Send a finished import once more; nothing is counted twice.")
    ] = False,
    url: Annotated[str, typer.Option(help="Another collector than this installation's.")] = "",
    key: Annotated[str, typer.Option(help="A key of that collector.", envvar="TALLY_KEY")] = "",
    wait: Annotated[bool, typer.Option(help="Return when everything is counted and visible.")] = True,
) -> None:
    """Import usage from a file. An interrupted import continues; importing again changes nothing."""
    named = {name: value for name, value in (("provider", provider), ("model", model)) if value}
    options = Options(
        organization,
        source,
        constants=named | pairs("--set", set_ or ()),
        columns=pairs("--map", map_ or ()),
        timezone=timezone,
        prompt_preview=prompt_preview,
        input_includes_cache=input_includes_cache,
        output_includes_reasoning=output_includes_reasoning,
    )
    installation = Installation.from_environment()
    console = narrow_console()
    result = _sent(console, installation, file, options, format_, again=again, collector=(url, key))
    if wait and result.progress.positions:
        wait_shown(console, installation, result.progress.positions)
    report(console, installation, organization, result, visible=wait)


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Name and value of each NAME=VALUE. Raises WrongSetting."""
    split = [text.partition("=") for text in given]
    if wrong := [text for text, (name, sign, _) in zip(given, split, strict=True) if not (name and sign)]:
        raise WrongSetting(f"{option} {wrong[0]}: write it as NAME=VALUE")
    return {name: value for name, _, value in split}


def _sent(
    console: Console,
    installation: Installation,
    file: Path,
    options: Options,
    format_: str | None,
    *,
    again: bool,
    collector: tuple[str, str],
) -> Upload:
    url, key = collector
    if url and not key:
        raise WrongSetting("--url names another collector: give a key of it with --key or TALLY_KEY")
    address = url or f"http://127.0.0.1:{installation.plan.ports.collector}"
    folder = ProgressFolder(installation.home.folder / "imports")
    try:
        importer = importer_for(file, options, format_)
        with HttpCollector(address, key or ingest_key(installation.home)) as client:
            return send(console, file, importer, client, folder, again=again)
    except (UnreadableSource, WrongOptions) as problem:
        raise WrongSetting(f"{file}: {problem}") from None
    except ImporterError as failure:
        raise DeployError(f"{failure}; what was sent is kept: run the same command again to continue") from None
