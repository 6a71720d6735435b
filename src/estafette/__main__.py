"""`python -m estafette` is `estafette`."""

from estafette.cli import main

if __name__ == "__main__":
    main()
