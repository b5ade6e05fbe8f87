"""The demo factory: a small plant of our own, seeded on the first start so that every page has something to show."""
