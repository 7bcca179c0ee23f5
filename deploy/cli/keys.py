"""`./tally keys`: API keys are made, listed and revoked."""

from typing import Annotated

import typer
from rich.table import Table

from deploy.cli.console import console, folded, narrow_console, whole
from deploy.local.home import Home
from producers.keys.api_key import ApiKey, Scope
from producers.keys.store import KeyStore

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Create, list and revoke API keys.")

USUAL_SCOPES = (Scope.INGEST, Scope.READ)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, in your words.")],
    organization: Annotated[str | None, typer.Option(help="Only this organization; without it, all.")] = None,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; give it several times.")] = list(USUAL_SCOPES),  # noqa: B006
) -> None:
    """Create a key and show its secret, this one time."""
    key, secret = store().create(name, organization, scope)
    for_whom = f"organization {key.organization}" if key.organization else "all organizations"
    narrow_console(stderr=True).print(f"Key {key.id} ({', '.join(sorted(key.scopes))}; {for_whom}), shown once:")
    print(secret)


@app.command("list")
def list_keys() -> None:
    """List all keys, without their secrets."""
    shown = Table(
        whole("id"), "name", folded("organization"), "scopes", "created", "revoked", box=None, padding=(0, 2, 0, 0)
    )
    for key in store().list():
        shown.add_row(*cells(key))
    console().print(shown)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As ./tally keys list shows it.")]) -> None:
    """Void a key; services refuse it within a second."""
    key = store().revoke(key_id)
    print(f"revoked {key.id} ({key.name})")


def store() -> KeyStore:
    """The keys of this installation."""
    return KeyStore(Home.from_environment().keys)


def cells(key: ApiKey) -> tuple[str, ...]:
    """A row of the list."""
    return (
        key.id,
        key.name,
        key.organization or "all",
        " ".join(sorted(key.scopes)),
        f"{key.created:%Y-%m-%d %H:%M}",
        f"{key.revoked:%Y-%m-%d %H:%M}" if key.revoked else "",
    )
