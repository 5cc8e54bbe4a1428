"""The drawn twins of both data sets: scenes as data (`scene`), at random (`casting`, `staging`, `sampling`), rendered (`render`), described
(`language`) and written in the releases' files (`writer`); single scenes to show are in `samples` and `portraits`."""
