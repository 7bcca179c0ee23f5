"""What a statement's text says: where an INSERT's data begin, which format it answers in."""

import pytest

from warehouse.embedded.statements import by_query_id, read_statement, split_insert, tokens


@pytest.mark.parametrize(
    ("sql", "head", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT CSV\n1,2\n", b"INSERT INTO t ", "CSV", b"1,2\n"),
        (b"insert into t format Native \t\r\n\n\x00\xff", b"insert into t ", "Native", b"\n\x00\xff"),
        (b"INSERT INTO t FORMAT TSV  1\t2", b"INSERT INTO t ", "TSV", b"1\t2"),
        (b"INSERT INTO t (a, b) VALUES (1, 'FORMAT CSV')", b"INSERT INTO t (a, b) ", "Values", b" (1, 'FORMAT CSV')"),
        (b"INSERT INTO format (`values`) FORMAT TSV\n1", b"INSERT INTO format (`values`) ", "TSV", b"1"),
        (b"INSERT INTO db.values FORMAT TSV\n1", b"INSERT INTO db.values ", "TSV", b"1"),
        (b"INSERT INTO TABLE t SETTINGS a = 1 FORMAT TSV\n1", b"INSERT INTO TABLE t SETTINGS a = 1 ", "TSV", b"1"),
        (
            b"/* SELECT */ INSERT INTO t -- VALUES\nFORMAT CSV\n1",
            b"/* SELECT */ INSERT INTO t -- VALUES\n",
            "CSV",
            b"1",
        ),
        (b"INSERT INTO FUNCTION null('a Int8') FORMAT CSV\n1", b"INSERT INTO FUNCTION null('a Int8') ", "CSV", b"1"),
        (b"INSERT INTO t (a, b);\n", b"INSERT INTO t (a, b)", "Default", b""),
    ],
)
def test_an_insert_is_cut_where_its_data_begin(sql: bytes, head: bytes, data_format: str, data: bytes) -> None:
    insert = split_insert(sql, "Default")
    assert insert is not None
    assert (insert.head, insert.data_format, sql[insert.data_start :]) == (head, data_format, data)


@pytest.mark.parametrize(
    "sql",
    [
        b"",
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t (a) (SELECT 1)",
        b"INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x FORMAT CSV",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        b"'INSERT INTO t FORMAT CSV'",
    ],
)
def test_what_brings_no_data_is_not_cut(sql: bytes) -> None:
    assert split_insert(sql, "Values") is None


@pytest.mark.parametrize(
    ("sql", "output_format", "rewritten"),
    [
        (b"SELECT 1", None, b"SELECT 1\nINTO OUTFILE '/p' TRUNCATE FORMAT TSV"),
        (b"SELECT 1 -- FORMAT CSV\n;", None, b"SELECT 1\nINTO OUTFILE '/p' TRUNCATE FORMAT TSV"),
        (b"SELECT 1\n FORMAT JSON ; ", "JSON", b"SELECT 1\n \nINTO OUTFILE '/p' TRUNCATE FORMAT JSON"),
        (
            b"SELECT 1 FORMAT JSON SETTINGS a = 1",
            "JSON",
            b"SELECT 1 \nINTO OUTFILE '/p' TRUNCATE FORMAT JSON SETTINGS a = 1",
        ),
        (b"SELECT format FROM t", None, b"SELECT format FROM t\nINTO OUTFILE '/p' TRUNCATE FORMAT TSV"),
        (b"SELECT 'FORMAT CSV'", None, b"SELECT 'FORMAT CSV'\nINTO OUTFILE '/p' TRUNCATE FORMAT TSV"),
        (b"SELECT $$ FORMAT CSV $$", None, b"SELECT $$ FORMAT CSV $$\nINTO OUTFILE '/p' TRUNCATE FORMAT TSV"),
    ],
)
def test_an_answer_is_led_elsewhere_in_the_format_asked_for(
    sql: bytes, output_format: str | None, rewritten: bytes
) -> None:
    statement = read_statement(sql)
    assert statement.output_format == output_format
    assert statement.into("/p", "TSV") == rewritten


@pytest.mark.parametrize(
    "sql", [b"SELECT 1 INTO OUTFILE 'x'", b"select 1 into/**/outfile 'x'", b"INSERT INTO t FROM INFILE 'x'"]
)
def test_statements_that_use_the_servers_files_are_known(sql: bytes) -> None:
    assert read_statement(sql).touches_files


def test_words_inside_quotes_and_comments_are_no_words() -> None:
    sql = b"""SELECT 'INTO \\' OUTFILE', "a""b", `c\\`d` /* INTO OUTFILE */ -- INTO OUTFILE"""
    assert not read_statement(sql).touches_files
    assert [token.text for token in tokens(sql)][-1] == b"`c\\`d`"


@pytest.mark.parametrize(("sql", "verb"), [(b" (select 1)", "SELECT"), (b"-- x\nKILL QUERY", "KILL"), (b" ; ", "")])
def test_the_verb_is_the_first_word(sql: bytes, verb: str) -> None:
    assert read_statement(sql).verb == verb


def test_kill_finds_queries_by_the_clients_id() -> None:
    sql = b"KILL QUERY WHERE query_id = 'query_id' AND `query_id` != ''"
    assert by_query_id(sql, "id()") == b"KILL QUERY WHERE id() = 'query_id' AND id() != ''"
