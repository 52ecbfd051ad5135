"""One photo, dreamt in several ways."""
