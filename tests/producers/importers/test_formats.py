"""The right importer is found for a file, or it is said why none is."""

from pathlib import Path

import pytest

from producers.importers.errors import UnreadableSource, WrongOptions
from producers.importers.formats import Options, importer_for

ACME = Options("acme")


def file_with(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ('{"exportedAt":"","version":"1.0","source":"llmspy","requestsCount":0,"requests":[]}', "llms"),
        ('  [{"id":1,"user":"a","threadId":2,"createdAt":"2026-01-01T00:00:00Z"}]', "llms"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "azure-trace"),
        ("Time,Model,input_tokens\n", "csv"),
    ],
)
def test_formats_are_detected(tmp_path: Path, text: str, format_: str) -> None:
    assert importer_for(file_with(tmp_path, text), ACME).format == format_


@pytest.mark.parametrize("text", ["", "word", "{}", '["a"]', "{broken"])
def test_when_nothing_fits_the_formats_are_listed(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableSource, match=r"no format fits this file.*llms.*azure-trace.*csv"):
        importer_for(file_with(tmp_path, text), ACME)


def test_a_named_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match=r"neither llms\.py's request export"):
        importer_for(file_with(tmp_path, "a,b\n"), ACME, "llms")
    with pytest.raises(WrongOptions, match="no column ContextTokens, GeneratedTokens, TIMESTAMP"):
        importer_for(file_with(tmp_path, "a,b\n"), ACME, "azure-trace")
    with pytest.raises(WrongOptions, match="there is no format 'xml'"):
        importer_for(file_with(tmp_path, "a,b\n"), ACME, "xml")


def test_a_trace_needs_its_time_column(tmp_path: Path) -> None:
    with pytest.raises(WrongOptions, match="--map time=<one of: when, model>"):
        importer_for(file_with(tmp_path, "when,model\n"), ACME)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (Options(""), "--organization"),
        (Options("acme", constants={"tokens": "1"}), "'tokens' is no field"),
        (Options("acme", constants={"rating": "good"}), "rating: 'good' is not a whole number"),
        (Options("acme", columns={"time": "b"}), "no column b"),
        (Options("acme", timezone="Paris"), "'Paris' is no IANA time zone"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: Options, problem: str) -> None:
    with pytest.raises(WrongOptions, match=problem):
        importer_for(file_with(tmp_path, "time,model\n"), options, "csv")


def test_columns_cannot_be_mapped_for_llms(tmp_path: Path) -> None:
    with pytest.raises(WrongOptions, match="--map is for CSV"):
        importer_for(file_with(tmp_path, '{"requestsCount":0,"requests":[]}'), Options("acme", columns={"time": "x"}))
