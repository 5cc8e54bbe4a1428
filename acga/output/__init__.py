"""What `acga segment` writes: the overlay film, the masks, the summary."""
