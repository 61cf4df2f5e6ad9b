"""The pages as Django's client sees them."""
