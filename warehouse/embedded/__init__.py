"""The warehouse of one machine: chDB, the whole ClickHouse engine in a process, behind ClickHouse's HTTP interface."""
