-- When a slice last changed: jobs that stand still are told from those that go on. What lies here already has no such
-- time: it counts as changed now.
ALTER TABLE repairs ADD COLUMN changed DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was written (for people only)' AFTER asked;

ALTER TABLE repairs MATERIALIZE COLUMN changed;
