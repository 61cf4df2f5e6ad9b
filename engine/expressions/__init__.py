"""What a value means: variables, expressions (JUEL), scripts and times; pure Python that knows no Django."""
