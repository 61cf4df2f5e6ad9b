"""The door for people: inbox, forms and requests in a browser."""
