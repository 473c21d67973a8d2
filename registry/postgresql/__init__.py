"""Django's PostgreSQL, told by DATABASES: a session that died in the pool is not handed to a request."""
