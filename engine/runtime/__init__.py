"""Who makes it happen: the only room that opens transactions and knows django-q2."""
