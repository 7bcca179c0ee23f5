"""The command line: loaded when typed, trouble in one line, exit statuses that mean something."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from deploy.cli.commands import COMMANDS, Command
from deploy.cli.main import exit_status
from deploy.cli.visible import not_utf8
from deploy.errors import DeployError, Missing, NotRunning, PortTaken, ServiceFailed, WrongSetting
from deploy.local.home import ROOT
from producers.errors import ControlRefused

HEAVY = ("polars", "pandas", "clickhouse_connect", "confluent_kafka", "fastapi", "chdb", "psutil", "pydantic")


def tally(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}
    environment |= {"TALLY_HOME": str(home), "PYTHONPATH": f"{ROOT}:{ROOT / 'producers/sdk/src'}"}
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_can_be_loaded(command: Command) -> None:
    module = importlib.import_module(command.module)
    assert isinstance(module.app, typer.Typer)


def test_the_help_names_every_command_and_loads_none(tmp_path: Path) -> None:
    code = (
        "import sys; from deploy.cli.main import application\n"
        "try: application()(['--help'], prog_name='./tally')\n"
        "except SystemExit: pass\n"
        f"sys.exit([name for name in {HEAVY!r} if name in sys.modules] or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for command in COMMANDS:
        assert command.name in result.stdout


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (DeployError("x"), 1),
        (ServiceFailed("x"), 1),
        (NotRunning("x"), 3),
        (Missing("x"), 4),
        (PortTaken("x"), 4),
        (WrongSetting("x"), 4),
        (ControlRefused("x"), 4),
    ],
)
def test_exit_statuses(trouble: Exception, status: int) -> None:
    assert exit_status(trouble) == status


def test_trouble_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    result = tally(tmp_path, "sql", "SELECT 1")
    assert result.returncode == 3
    assert result.stderr == "tally: the warehouse at http://127.0.0.1:8703 does not answer; start it with ./tally up\n"


def test_status_of_nothing(tmp_path: Path) -> None:
    result = tally(tmp_path, "status")
    assert result.returncode == 3
    assert "warehouse" in result.stdout


def test_down_of_nothing(tmp_path: Path) -> None:
    result = tally(tmp_path, "down")
    assert (result.returncode, result.stdout) == (0, "nothing was running\n")


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    result = tally(tmp_path, "stat")
    assert result.returncode == 2
    assert "status" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((b"terms", b"set", b"--note", b"caf\xe9"), "--note: 'caf"),
        ((b"control", b"list", b"--organization=caf\xe9"), "--organization: 'caf"),
        ((b"directory", b"set", b"user", b"caf\xe9"), "argument 4: 'caf"),
    ],
)
def test_an_argument_that_is_no_text_is_a_usage_error(tmp_path: Path, arguments: tuple[bytes, ...], named: str) -> None:
    result = tally(tmp_path, *map(os.fsdecode, arguments))
    wrong = f"tally: {named}\\xe9' is not UTF-8: write it in UTF-8, also names of files\n"
    assert (result.returncode, result.stderr) == (2, wrong)


def test_every_other_argument_is_a_text() -> None:
    assert not_utf8(["terms", "--note", "café ☕ \x1b"]) == ""


def test_trouble_gives_no_orders_to_the_terminal(tmp_path: Path) -> None:
    assert "there is no log of a␛[2Jb" in tally(tmp_path, "logs", "a\x1b[2Jb").stderr


def test_env_is_read_by_a_shell(tmp_path: Path) -> None:
    home = tmp_path / "it's a home"
    exported = tally(home, "env").stdout
    shown = subprocess.run(
        ["sh", "-c", f'{exported}\nprintf %s "$TALLY_HOME"'], capture_output=True, text=True, check=True
    )
    assert shown.stdout == str(home)
