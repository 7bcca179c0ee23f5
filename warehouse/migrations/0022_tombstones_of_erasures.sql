-- Which erasure wrote a tombstone: what a frozen process brings back is removed again for erasures that were carried out,
-- and never for one that was cancelled after its tombstones stood.
ALTER TABLE tombstones ADD COLUMN control_id UUID DEFAULT toUUID('00000000-0000-0000-0000-000000000000') COMMENT 'The control record that asked for the erasure';
