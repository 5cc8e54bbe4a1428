"""Solutions to the exercises of 08b_claims.ipynb, in place of `answer = ...`."""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: zero lies inside, and so does the paper's gain
answer = ("undecided", True)

# Exercise 2: more than over all questions
gain = study.difference(
    "+ weighted loss", "+ vision guided language", where="same_kind=1"
)
answer = 100 * gain.mean

# Exercise 3: nobody else is there to be told apart
answer = "actors_in_scene=1"
