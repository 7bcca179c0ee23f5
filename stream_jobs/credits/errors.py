"""What is wrong with rules of credits and billing, named by their owner's next move.

CreditRulesRefused    correct the multiplier or markup that the message names; nothing of its list is in force
"""


class CreditRulesRefused(ValueError):
    """Multipliers or markups that cannot be right: nothing of them is applied."""
