"""Log lines: objects of ours become sentences, other programs' lines stay, and levels are told apart."""

import json

import pytest

from deploy.local.log_lines import parsed, serious

OURS = json.dumps(
    {
        "work": {"3": "1042-1050"},
        "error": "OffsetGap('1051 came')",
        "event": "agent failed",
        "level": "critical",
        "timestamp": "2026-11-21T07:41:17.543942Z",
        "exception": "Traceback\n  File",
    }
)


def test_our_own_line_is_told_in_words_with_its_place() -> None:
    assert parsed(OURS).text == (
        '2026-11-21 07:41:17.543  critical  agent failed  work={"3": "1042-1050"} error=OffsetGap(\'1051 came\')\n'
        "    Traceback\n"
        "      File"
    )


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("[2026-11-21 07:45:05,001] WARN [Controller id=1] slow (kafka)", "warning"),
        ("2026-11-21 07:45:05,001 ERROR worker-0 (pid 7) has not moved", "error"),
        ("2026-11-21 07:45:05 [7] [CRITICAL] WORKER TIMEOUT", "critical"),
        ("a line of nobody in particular", "info"),
        ('{"no": "event"}', "info"),
    ],
)
def test_lines_of_other_programs_stay_as_they_are(line: str, level: str) -> None:
    assert parsed(line).level == level
    assert parsed(line).words == line


def test_only_what_is_serious_enough() -> None:
    lines = ["all is well", "WARN not quite", OURS]
    assert serious(lines, "info") == lines
    assert serious(lines, "warning") == lines[1:]
    assert serious(lines, "error") == [OURS]
