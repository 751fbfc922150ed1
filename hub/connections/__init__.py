"""How connections fare: their health, what to do about it, and what was missed brought in."""
