"""What is wrong with our additions to the catalogue, named by their owner's next move.

AdditionsRefused    correct each item that its problems name; nothing of any file is in force
"""


class AdditionsRefused(ValueError):
    """Files of additions that cannot be right. Each problem is a sentence with its place and cure."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
