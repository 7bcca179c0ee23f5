"""Runs one command: arguments in, an exit status out; expected trouble is one line without a traceback.

Exit status: 0 done, 1 it failed, 2 wrong arguments, 3 nothing runs, 4 something must be installed or set first.
"""

import importlib
import sys

import typer
from typer.core import TyperGroup

from deploy.cli.commands import COMMANDS
from deploy.cli.visible import not_utf8, visible
from deploy.errors import DeployError, Missing, NotRunning, PortTaken, WrongSetting
from producers.errors import ControlRefused, ProducerError
from stream_jobs.errors import StreamJobError
from warehouse.errors import WarehouseError

STATUS = ((NotRunning, 3), (Missing, 4), (PortTaken, 4), (WrongSetting, 4), (ControlRefused, 4))
EXPECTED = (DeployError, ProducerError, StreamJobError, WarehouseError)
FAILED, MISUSED, INTERRUPTED = 1, 2, 130


class LoadedWhenTyped(TyperGroup):
    """Knows every command by its line of help, and imports only the one that is typed."""

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]
        """The real command in place of the placeholder that the help shows."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        module = next((command.module for command in COMMANDS if command.name == name), None)
        if module is None:
            return name, placeholder, rest
        command = typer.main.get_command(importlib.import_module(module).app)
        return name, command, rest


def application() -> typer.Typer:
    """The command line with a placeholder for each command."""
    app = typer.Typer(
        cls=LoadedWhenTyped,
        help="Exact LLM token usage and cost, from the call to the dashboard.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in COMMANDS:
        app.command(command.name, help=command.help)(_placeholder)
    app.callback()(_placeholder)
    return app


def _placeholder() -> None:
    return


def exit_status(trouble: Exception) -> int:
    """The exit status for a kind of trouble."""
    return next((status for kind, status in STATUS if isinstance(trouble, kind)), FAILED)


def main() -> None:
    """Runs the command that was typed."""
    if wrong := not_utf8(sys.argv[1:]):
        print(f"tally: {wrong}", file=sys.stderr)
        sys.exit(MISUSED)
    try:
        application()(prog_name="./tally")
    except EXPECTED as trouble:
        print(f"tally: {visible(str(trouble))}", file=sys.stderr)
        sys.exit(exit_status(trouble))
    except PermissionError as refusal:
        print(f"tally: this user may not use {refusal.filename}; set TALLY_HOME to a folder of yours", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(FAILED)
