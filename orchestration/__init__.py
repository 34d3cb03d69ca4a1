"""valuemaxx: what did our AI spend buy?"""

__version__ = "0.1.0"
