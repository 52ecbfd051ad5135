"""What Hydra's launchers and sweepers lack for this project. Hydra finds it by the name of the folder above."""
