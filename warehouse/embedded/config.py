"""The engine's configuration file: settings in, XML in the data directory out."""

from pathlib import Path
from xml.sax.saxutils import escape

from warehouse.embedded.settings import EmbeddedSettings

_TEMPLATE = """<!-- Written at every start of the embedded warehouse: changes are lost. -->
<clickhouse>
    <max_server_memory_usage>{memory_bytes}</max_server_memory_usage>
    <mark_cache_size>{cache_bytes}</mark_cache_size>
    <backups>
        <allowed_path>{backups}</allowed_path>
        <remove_backup_files_after_failure>true</remove_backup_files_after_failure>
    </backups>
    <os_threads_nice_value_merge_mutate>5</os_threads_nice_value_merge_mutate>
    <background_pool_size>2</background_pool_size>
    <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
    <background_schedule_pool_size>8</background_schedule_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <background_move_pool_size>1</background_move_pool_size>
    <background_fetches_pool_size>1</background_fetches_pool_size>
    <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
    <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
    <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
    <merge_tree>
        <auto_statistics_types></auto_statistics_types>
        <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
</clickhouse>
"""
_CACHE_SHARE = 16


def write_engine_config(settings: EmbeddedSettings) -> Path:
    """Writes the file and makes the directories it names; returns its path.

    No query_log table is configured: the front keeps the log of statements.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.backups_dir.mkdir(parents=True, exist_ok=True)
    memory_bytes = settings.memory_mb * 1_000_000
    path = settings.data_dir / "embedded.xml"
    path.write_text(
        _TEMPLATE.format(
            memory_bytes=memory_bytes,
            cache_bytes=memory_bytes // _CACHE_SHARE,
            backups=escape(str(settings.backups_dir)),
        )
    )
    return path
