"""What the notebooks teach with: exercises that check themselves, and small trainings."""
