"""Teaching material of the notebooks: exercises that check themselves, and small trainings."""
