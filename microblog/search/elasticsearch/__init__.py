"""The adapter for Elasticsearch."""
