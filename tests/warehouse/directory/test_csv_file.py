"""Directory files as people have them: delimiters, quotes, what is wrong with which line; and what is written back."""

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest

from warehouse.directory.csv_file import (
    COLUMNS,
    Line,
    WrongLine,
    cells,
    instant,
    lines,
    organization_cells,
    written,
)
from warehouse.directory.entry import BEGINNING, Key, Kind, Said, State, Statement, Wish
from warehouse.directory.registration import OrganizationWish
from warehouse.errors import InvalidDirectoryFile
from warehouse.organizations import Organization


def read(text: str) -> list[Line | WrongLine]:
    return list(lines(io.StringIO(text, newline="")))


def problem(text: str) -> str:
    [found] = read("organization,kind,id,display_name,department,effective_from,attributes,time_zone\r\n" + text)
    assert isinstance(found, WrongLine)
    return "; ".join(map(str, found.problems))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_with_any_usual_delimiter(delimiter: str) -> None:
    text = "kind,Organization, id ,display_name,department\nuser,acme,u1,Ada,-\nUser,acme,u2,Bob,sales\n"
    assert read(text.replace(",", delimiter)) == [
        Line(2, Wish(Key("acme", Kind.USER, "u1"), None, Said("Ada", department=""))),
        Line(3, Wish(Key("acme", Kind.USER, "u2"), None, Said("Bob", department="sales"))),
    ]


def test_quoted_cells_hold_delimiters_quotes_and_lines() -> None:
    text = (
        "organization,kind,id,display_name,attributes\r\n"
        'acme,user,u1,"Lovelace, ""Ada""\r\nCountess","{""note"": ""one\\ntwo""}"\r\n'
        "\r\n"
        "acme,user,,x,\r\n"
    )
    first, second = read(text)
    assert first == Line(
        2,
        Wish(Key("acme", Kind.USER, "u1"), None, Said('Lovelace, "Ada" Countess', attributes={"note": "one\ntwo"})),
    )
    assert second.number == 5


def test_cells_of_spaces_only_say_nothing() -> None:
    text = (
        "organization,kind,id,display_name,department,email,role,plan,state,attributes,effective_from,time_zone\n"
        "acme,user,u1,Ada, ,\u3000, ,\t, , , , \n"
        "acme,user,u2, , - ,, - ,,,,,\n"
    )
    assert read(text) == [
        Line(2, Wish(Key("acme", Kind.USER, "u1"), None, Said("Ada"))),
        Line(3, Wish(Key("acme", Kind.USER, "u2"), None, Said(department="", role=""))),
    ]


def test_an_organization() -> None:
    text = "kind,organization,id,display_name,time_zone,week_start\norganization,,acme,Acme,Europe/Paris,Sunday\n"
    acme = Key("acme", Kind.ORGANIZATION, "acme")
    named = Wish(acme, None, Said("Acme"))
    assert read(text) == [Line(2, OrganizationWish("acme", "Europe/Paris", "sunday", named))]


def test_what_an_organization_is_called_and_its_plan_from_a_date_on() -> None:
    text = "kind,organization,id,effective_from,display_name,plan\norganization,acme,acme,2026-04-01,Acme SA,-\n"
    acme = Key("acme", Kind.ORGANIZATION, "acme")
    assert read(text) == [Line(2, Wish(acme, datetime(2026, 4, 1, tzinfo=UTC), Said("Acme SA", plan="")))]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("acme,user", "line: '2' are not as many cells as the header has columns (8)"),
        (
            "acme,team,t,,,,,",
            "kind: 'team' is none of department, project, user, customer, feature, prompt, api_key, org",
        ),
        ("acme,user,u1,,,,,", "display_name: '' says nothing"),
        ("acme,user,u\0,A,,,,", "id: 'u\\x00' has control characters; remove them"),
        (
            "acme,user,u1,A,,soon,,",
            "effective_from: 'soon' is no time; write it like 2026-03-14 or 2026-03-14T09:00:00Z",
        ),
        ("acme,user,u1,A,,9999-12-31T23:59:59-05:00,,", "is no time between the years 1 and 9999 in UTC; choose one"),
        ("acme,user,u1,A,,0001-01-01T00:00:00+05:45,,", "is no time between the years 1 and 9999 in UTC; choose one"),
        (f"acme,user,u1,A,,,{'[' * 100_000},", "is no JSON object of texts; write it like"),
        (" acme,user,u1,A,,,,", "organization: ' acme' has spaces around it; remove them"),
        ("acme,user,u1 ,A,,,,", "id: 'u1 ' has spaces around it; remove them"),
        ("acme,user,u1,A,sales ,,,", "department: 'sales ' has spaces around it; remove them"),
        ("acme,user, ,A,,,,", "id: '' is empty; give one"),
        (",organization, acme,,,,,UTC", "id: ' acme' cannot be registered: the name ' acme' has spaces around it"),
        (",organization,acme,,,,,localtime", "cannot be registered: 'localtime' is no IANA time zone"),
        ("acme,user,u1,A,,1815-12-10,,", "must lie from 1970 to 2199"),
        ("acme,user,u1,A,,,[1],", "attributes: '[1]' is no JSON object of texts; write it like"),
        ("acme,user,u1,A,,,,UTC", "time_zone: 'UTC' belongs to organisations only; leave it out"),
        ("acme,prompt,p,A,sales,,,", "department: 'sales' belongs to user, project, api_key only, not to a prompt"),
        (",organization,acme,,,,,Paris", "id: 'acme' cannot be registered: 'Paris' is no IANA time zone"),
        ("zen,organization,acme,,,,,UTC", "organization: 'zen' differs from the id 'acme'; leave it out"),
        (
            ",organization,acme,A,,2026-01-01,,UTC",
            "effective_from: '2026-01-01' is for names and plans; give time_zone",
        ),
        (",organization,acme,,,2026-01-01,,", "effective_from: '2026-01-01T00:00:00+00:00' says from when a name or"),
        (
            ",organization,acme,,x,,,UTC",
            "department: 'x' belongs to user, project, api_key only, not to an organization",
        ),
    ],
)
def test_what_is_wrong_with_a_line(line: str, message: str) -> None:
    assert message in problem(line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 is empty; begin with the names of columns: organization, kind, id, effective_from"),
        ("organization,kind,id,displayname\n", "line 1: 'displayname' is no column; is display_name meant?"),
        ("organization,kind\n", "line 1: the column id is missing; add it"),
        ("organization,kind,id,id\n", "line 1: id is there more than once; keep one"),
        ('organization,kind,id\na,user,u\na,user,"x"y\n', "line 3: ',' expected after '\"'"),
        ('organization,kind,id\na,user,"u\n', "line 2: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_directory(text: str, message: str) -> None:
    with pytest.raises(InvalidDirectoryFile) as caught:
        read(text)
    assert str(caught.value).startswith(message)


def test_times() -> None:
    assert instant("2026-03-14") == datetime(2026, 3, 14, tzinfo=UTC)
    assert instant("2026-03-14T09:00:00+01:00") == datetime(2026, 3, 14, 9, tzinfo=timezone(timedelta(hours=1)))


def test_what_is_written_says_the_same_when_it_is_read() -> None:
    statements = [
        Statement(Key("acme", Kind.USER, "u;1"), BEGINNING, Said("Ada", "", "", "", None, State.ACTIVE, {"a": ""})),
        Statement(
            Key("acme", Kind.CUSTOMER, 'c"1'), datetime(2026, 3, 1, 8, 0, 0, 5000, UTC), Said(plan="PRO, yearly")
        ),
        Statement(Key("ü", Kind.PROMPT, "-"), BEGINNING, Said("-", attributes={"note": "one\ntwo"})),
    ]
    file = io.StringIO(newline="")
    organization = Organization("acme", "Europe/Paris", 7)
    assert written([organization_cells(organization.name, *organization.calendar), *map(cells, statements)], file) == 4
    assert file.getvalue().startswith(",".join(COLUMNS) + "\r\n")
    first, *others = [line.wish for line in read(file.getvalue()) if isinstance(line, Line)]
    assert isinstance(first, OrganizationWish)
    assert first.over(None) == organization
    assert others == [Wish(each.key, each.effective_from, each.said) for each in statements]
