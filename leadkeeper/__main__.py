"""`python -m leadkeeper` is the command `leadkeeper`."""

from leadkeeper.cli.main import main

if __name__ == "__main__":
    main()
