"""From YAML to typed, checked settings."""
