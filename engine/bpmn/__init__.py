"""What was drawn: XML becomes a frozen Graph, forms and their validation; and the drawing itself. Pure: no Django, no database."""
