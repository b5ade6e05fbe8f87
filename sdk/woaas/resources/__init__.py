"""The nouns of the API, each written once for both clients."""
