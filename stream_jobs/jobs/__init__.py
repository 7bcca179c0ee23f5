"""Long work that control records ask for, in slices beside the stream (rule E20)."""
