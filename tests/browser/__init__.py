"""The product in a real browser; left out, visibly, where there is none."""
