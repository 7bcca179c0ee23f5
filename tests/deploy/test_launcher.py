"""The root script `tally`: what counts as an installed environment."""

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from deploy.local.home import ROOT


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with its environments in an empty folder."""
    monkeypatch.setenv("TALLY_ENVIRONMENTS", str(tmp_path / "environments"))
    loader = SourceFileLoader("launcher", str(ROOT / "tally"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def pretend_to_install(environment: Path, mark: str) -> None:
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").touch()
    (environment / "installed").write_text(mark)


def test_an_environment_is_ready_only_with_the_mark_of_its_requirements(launcher: ModuleType, tmp_path: Path) -> None:
    requirements = tmp_path / "main.txt"
    requirements.write_text("polars==1\n")
    environment = tmp_path / "environments/main"
    assert not launcher.is_ready(environment, requirements)
    pretend_to_install(environment, launcher.fingerprint(requirements))
    assert launcher.is_ready(environment, requirements)
    requirements.write_text("polars==2\n")
    assert not launcher.is_ready(environment, requirements)


def test_an_interrupted_installation_is_made_again(launcher: ModuleType, tmp_path: Path) -> None:
    requirements = tmp_path / "main.txt"
    requirements.write_text("polars==1\n")
    environment = tmp_path / "environments/main"
    pretend_to_install(environment, launcher.fingerprint(requirements))
    (environment / "installed").unlink()
    assert not launcher.is_ready(environment, requirements)


def test_a_failed_step_is_told_with_the_end_of_its_words(launcher: ModuleType) -> None:
    with pytest.raises(launcher.CannotPrepare, match="no such library"):
        launcher.run([sys.executable, "-c", "import sys; sys.exit('no such library')"])


def test_python_without_venv_is_told_the_package(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(launcher.CannotPrepare, match=r"sudo apt-get install python3\.\d+-venv"):
        launcher.install_venv_module()


def test_it_needs_only_the_standard_library(tmp_path: Path) -> None:
    isolated = [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(ROOT / 'tally')!r})"]
    subprocess.run(isolated, check=True, env={"TALLY_HOME": str(tmp_path)})


def test_requirement_files_are_pinned_and_name_no_address() -> None:
    for name in ("main", "superset", "peers", "pictures"):
        lines = (ROOT / f"deploy/requirements/{name}.txt").read_text().splitlines()
        assert lines
        assert [line for line in lines if "==" not in line or "/" in line or line.startswith("-")] == []
