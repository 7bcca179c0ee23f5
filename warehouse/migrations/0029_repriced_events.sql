-- New prices travel with the statement that writes them: nothing is left between the two.
DROP TABLE IF EXISTS repriced_events;
