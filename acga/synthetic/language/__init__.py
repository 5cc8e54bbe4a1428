"""Sentences about scenes: the words, the facts that hold, the layout they speak of, the phrasing, and the choice of what to say."""
