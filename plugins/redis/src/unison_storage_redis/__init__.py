"""Redis and Valkey backends for unison-storage. Importing this imports no driver."""
