"""The text of supervisord's settings, read back by supervisord's own parser."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from deploy.errors import WrongSetting
from deploy.local.home import Home
from deploy.local.probes import nothing
from deploy.local.services import Service
from deploy.local.supervision import config_text


def test_commands_and_variables_survive_the_parser(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home, with; everything")
    home.make()
    odd = 'va"l%ue, with=signs \\ end'
    service = Service("odd", ["/bin/echo", odd, "create_app()"], {"ODD": odd, "PLAIN": "1"}, nothing)
    (config,) = parse(home, [service])
    assert shlex.split(config.command) == ["/bin/echo", odd, "create_app()"]
    assert config.environment == {"ODD": odd, "PLAIN": "1"}
    assert config.autostart is False
    assert config.stdout_logfile == str(home.logs / "odd.log")


def parse(home: Home, services: list[Service]) -> list[Any]:
    path = home.run / "supervisord.conf"
    path.write_text(config_text(home, services))
    options = ServerOptions()
    options.configfile = str(path)
    options.process_config(do_usage=False)
    return [process for group in options.process_group_configs for process in group.process_configs]


@pytest.mark.parametrize("length", [10, 200])
def test_the_socket_of_any_home_has_a_name_that_the_system_accepts(tmp_path: Path, length: int) -> None:
    home = Home(tmp_path / ("h" * length))
    assert len(str(home.supervisor_socket)) <= 100
    assert home.supervisor_socket == Home(tmp_path / ("h" * length)).supervisor_socket


def test_a_home_that_the_supervisor_cannot_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="may have a %"):
        Home(tmp_path / "100%").make()
