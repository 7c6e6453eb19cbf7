"""What a caller uses: validation, defaults, encoding, versions and error context, once for all backends."""
