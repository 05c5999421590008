"""Small, reusable pieces without state of the program."""
