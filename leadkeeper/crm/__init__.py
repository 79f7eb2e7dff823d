"""The books of the business: people, leads, conversations, what was said and what was decided."""
