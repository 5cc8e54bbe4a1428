"""Solutions to the exercises of 00_overview.ipynb, in place of `answer = ...`."""

# Exercise 1: 12 x 12 places, each looking at all
answer = (144, 144)

# Exercise 2: 64 places, 20 words
answer = 1280

# Exercise 3: his colour and what he does
answer = "man in green running"
