"""What a backend must do, kind by kind, in numbered laws. What a caller uses stands in ``stores``."""
