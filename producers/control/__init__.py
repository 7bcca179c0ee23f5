"""Control records: what is to happen to usage that was counted, or how it is counted, from one place of the log on."""
