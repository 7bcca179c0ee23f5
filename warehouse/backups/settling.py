"""What tables of different moments still lack once all are put back; `warehouse/backups/order.py` says why.

Both statements may be repeated. Nothing may write to the warehouse before they are done.
"""

from clickhouse_connect.driver.client import Client

from warehouse.backups.order import REPAIRS

NARROW = {"event_id_log": "event_id_log_from_raw", "event_id_lookup": "event_id_lookup_from_raw"}
"""The tables that are filled from usage_raw, and the views that fill them."""
BEFORE = "repairs_before"
"""Where the first copy of the repairs is put back."""
KEY = "src_partition, repair_id, organization, day, version"


def settle(client: Client, database: str) -> None:
    """Fills the narrow tables from events behind progress, and begins the repairs again that moved meanwhile."""
    for table, view in NARROW.items():
        client.command(filled(database, table, _columns(client, database, table), _selected(client, database, view)))
    client.command(begun_again(database))
    client.command(f"DROP TABLE {database}.{BEFORE} SYNC")


def filled(database: str, table: str, columns: list[str], selected: str) -> str:
    """Inserts what a narrow table lacks: every stored event behind progress. selected: what its view selects."""
    names = ", ".join(columns)
    return (
        f"INSERT INTO {database}.{table} ({names}) SELECT {names} FROM ({selected}) AS event "
        "LEFT JOIN (SELECT src_partition, max(applied_offset) + 1 AS resumed_at "
        f"FROM {database}.partition_progress GROUP BY src_partition) AS known USING (src_partition) "
        "WHERE src_offset >= resumed_at SETTINGS max_partitions_per_insert_block = 0"
    )


def begun_again(database: str) -> str:
    """Slices that were worked on while the tables were copied are half done in the copy, whatever their row says.

    Those of a job begin with their raw events, which may not be rewritten in the copy: without an epoch they are begun
    and no row of theirs is known, so that nobody cancels them, or takes them for done when rows are. What was cancelled
    was never begun. They are chosen inside: a WHERE beside the SELECT would see its new values.
    """
    return (
        f"INSERT INTO {database}.{REPAIRS} "
        "SELECT * REPLACE (CAST('running', toTypeName(state)) AS state, if(home >= 0, 0, epoch) AS epoch, "
        "version + 1 AS version) "
        f"FROM (SELECT * FROM {database}.{REPAIRS} FINAL "
        f"WHERE state NOT IN ('asked', 'cancelled') AND ({KEY}) NOT IN (SELECT {KEY} FROM {database}.{BEFORE} FINAL))"
    )


def _columns(client: Client, database: str, table: str) -> list[str]:
    sql = "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}"
    rows = client.query(f"{sql} ORDER BY position", parameters={"database": database, "table": table}).result_rows
    return [str(name) for (name,) in rows]


def _selected(client: Client, database: str, view: str) -> str:
    sql = "SELECT as_select FROM system.tables WHERE database = {database:String} AND name = {view:String}"
    return str(client.query(sql, parameters={"database": database, "view": view}).result_rows[0][0])
