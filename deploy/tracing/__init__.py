"""Where one event is: warehouse and log in, its story out."""
