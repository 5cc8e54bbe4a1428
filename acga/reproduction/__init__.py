"""From a release as it was downloaded to the paper's tables: the steps (`steps`), the time left (`progress`), the report (`report`)."""
