"""The commands of the command line, one function each; their signatures are their options, their docstrings their help."""
