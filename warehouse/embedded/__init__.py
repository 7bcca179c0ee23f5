"""The warehouse of one machine: chDB, the whole ClickHouse engine in a process, behind ClickHouse's HTTP interface.

A server offers, and this does not: roles and row policies (users have a profile, limits and row filters in a file),
progress in headers, ClickHouse's own block compression, the table function input(), query ids in system.processes
(they stand in `Settings['log_comment']`; KILL QUERY WHERE query_id = … works) and system.query_log (the log is a file).
client_protocol_version is ignored: answers have protocol 0. When a client goes away its read is killed; its write
comes to its end.
"""
