"""The ground: the database, its tables and its migrations."""
