"""A guestbook: who was here, and what they said."""
