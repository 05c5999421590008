"""QObjects that hold state and say when it changed."""
