"""`python -m oxmc` is `oxmc`."""

from oxmc.start import main

if __name__ == "__main__":
    main()
