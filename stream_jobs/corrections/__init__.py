"""What amend, void, replace and reprice change: bodies of control records in, columns, conditions and frames out."""
