"""The launchers and sweepers of this project, which Hydra finds by the name of the folder above."""
