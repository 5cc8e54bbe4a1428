"""The drawn twin of both data sets: who is in a scene (`scenes`), how they move (`motion`) and look (`people`, `animals`, `actors`),
where it happens (`backgrounds`, `camera`), what is said about them (`sentences`), and the release's files (`writer`)."""
