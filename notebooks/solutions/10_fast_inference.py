"""Solutions to the exercises of 10_fast_inference.ipynb, in place of `answer = ...`."""

# Exercise 1: multiply and add, at nine taps, from 300 channels to 64, at every pixel
answer = 2 * 9 * 300 * 64 * 512**2 / 1e9

# Exercise 2: eight pixels, and one more on either side for each 3 x 3
answer = 8 + 2 + 2

# Exercise 3: the stem alone is left
answer = (1.5 + 1.0) / 1.5
