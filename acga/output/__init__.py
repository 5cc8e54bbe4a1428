"""Output of `acga segment`: the overlay film, the masks, the summary."""
