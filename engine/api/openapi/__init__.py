"""The description of the Engine API as OpenAPI 3.1, made from its table of calls, and a page to try it out."""
