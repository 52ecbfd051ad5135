"""`python -m pipeline`, and `mnist-dream`."""

from pipeline.commands.run import main

if __name__ == "__main__":
    main()
