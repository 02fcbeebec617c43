"""`python -m tb` is `oxmc`."""

from oxmc_start import main

if __name__ == "__main__":
    main()
