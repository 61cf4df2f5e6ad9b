"""The REST doors: they translate names and shapes, and leave every decision to the runtime."""
