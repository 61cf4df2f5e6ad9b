"""Automatiko's service API: a REST service for each workflow, at `/services/`, with what its clients expect and what hurts them mended."""
