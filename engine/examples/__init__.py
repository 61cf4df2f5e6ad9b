"""Examples: apps that use the engine as anybody's app would."""
