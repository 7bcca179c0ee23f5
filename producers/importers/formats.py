"""Which importer reads a file: the name of a format, or the file's own looks, in; an importer out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from producers.importers.errors import UnreadableSource, WrongOptions
from producers.importers.importer import Importer, Target
from producers.importers.llms_export import LlmsExport, shape
from producers.importers.trace_columns import (
    AZURE_TRACE,
    WHOLE_NUMBERS,
    TraceColumns,
    by_name,
    checked_field,
    whole_number,
)
from producers.importers.trace_csv import TraceCsv, header

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "llms": "llms.py requests: the browser's export (version 2) or the array of GET /ext/app/requests (version 3)",
        "azure-trace": "Azure's public inference traces: TIMESTAMP, ContextTokens, GeneratedTokens",
        "csv": "any CSV with a header line; --map field=column for columns named otherwise",
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who imports says about the file; `constants` are texts as typed."""

    organization: str
    source: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    prompt_preview: bool = False
    input_includes_cache: bool = False
    output_includes_reasoning: bool = False


def importer_for(path: Path, options: Options, name: str | None = None) -> Importer:
    """The importer of this file.

    Raises UnreadableSource when no format fits, or the named one does not; WrongOptions for wrong options.
    """
    with path.open("rb") as file:
        chosen = name or detect(file)
        if chosen == "llms":
            return _llms(file, options)
        if chosen in ("azure-trace", "csv"):
            return _trace(file, options, chosen)
    raise WrongOptions(f"there is no format {chosen!r}; there are: {', '.join(FORMATS)}")


def detect(file: BinaryIO) -> str:
    """The name of the format that fits. Raises UnreadableSource when none does."""
    file.seek(0)
    start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        if shape(file):
            return "llms"
    elif start:
        names = header(file)
        if set(AZURE_TRACE.values()) <= set(names):
            return "azure-trace"
        if len(names) > 1:
            return "csv"
    raise UnreadableSource(
        "no format fits this file"
        + (": it is empty" if not start else "")
        + "; there are: "
        + "; ".join(f"{name} ({meaning})" for name, meaning in FORMATS.items())
    )


def _llms(file: BinaryIO, options: Options) -> Importer:
    if options.columns:
        raise WrongOptions("--map is for CSV files: the fields of llms.py's requests have their places")
    if not shape(file):
        raise UnreadableSource("this is neither llms.py's request export (version 2) nor its request list (version 3)")
    return LlmsExport(_target(options), options.prompt_preview)


def _trace(file: BinaryIO, options: Options, name: str) -> Importer:
    mapping = {checked_field(field): column for field, column in options.columns.items()}
    if name == "azure-trace":
        mapping = {**AZURE_TRACE, **mapping}
    elif not mapping:
        mapping = by_name(header(file))
    if "time" not in mapping:
        raise WrongOptions(f"which column is the time? --map time=<one of: {', '.join(header(file))[:500]}>")
    columns = TraceColumns(
        tuple(sorted(mapping.items())),
        _zone_name(options.timezone),
        options.input_includes_cache,
        options.output_includes_reasoning,
    )
    if missing := columns.missing(header(file)):
        raise WrongOptions(f"the file has no column {', '.join(missing)}; it has: {', '.join(header(file))[:500]}")
    return TraceCsv(_target(options), columns, name)


def _target(options: Options) -> Target:
    if not 1 <= len(options.organization) <= 128:
        raise WrongOptions("--organization: a name of 1 to 128 characters")
    constants: list[tuple[str, str | int]] = []
    for name, text in sorted(options.constants.items()):
        try:
            constants.append((checked_field(name), whole_number(text) if name in WHOLE_NUMBERS else text))
        except ValueError as problem:
            raise WrongOptions(f"{name}: {problem}") from None
    return Target(options.organization, options.source, tuple(constants))


def _zone_name(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongOptions(f"--timezone: {name!r} is no IANA time zone such as Europe/Paris") from None
