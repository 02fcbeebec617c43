"""`python -m tb` is `oxmc`."""

from tb.cli import main

if __name__ == "__main__":
    main()
