-- Each slice of a repair or job raises the epoch of its week by 2, so that a feed of single corrections used 16 bits up
-- within weeks. Old row versions stay as they are: the formula is the same, in a wider type.

ALTER TABLE rollup
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE rollup_prompt
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE rollup_category
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE rollup_thread
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE rollup_latency
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE replayed_rollup
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE replayed_rollup_prompt
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE replayed_rollup_category
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE replayed_rollup_thread
    MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    MODIFY COLUMN ver UInt128 MATERIALIZED bitShiftLeft(toUInt128(epoch), 48) + toUInt128(offset) COMMENT 'Row version: epoch x 2^48 + offset';

ALTER TABLE repairs MODIFY COLUMN epoch UInt32 DEFAULT 0 COMMENT 'Epoch of the recomputed rows, once it is known';
