"""A Run as a folder: who works on it, what it reports, what is asked of it, and how it is read. No torch here."""
