"""Original input patterns: what each map reacts to most."""
