"""`python -m convnext_studio`. Kept bare: a spawned child process imports this module."""

import sys


def main() -> int:
    """Run the command line; return its exit code."""
    import multiprocessing

    multiprocessing.freeze_support()
    from convnext_studio.cli import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
