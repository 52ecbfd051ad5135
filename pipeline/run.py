def run(config, run_dir, *, composed, overrides):
    print(config, overrides)
