"""The study of the paper's claims: variants, runs, probes, claims, figures and tables."""
