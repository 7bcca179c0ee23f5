"""What is wrong with a price list, named by its owner's next move.

PriceListRefused    correct the row the message names; nothing of the list is in force
"""


class PriceListRefused(ValueError):
    """A price list that cannot be right: nothing of it is applied."""
