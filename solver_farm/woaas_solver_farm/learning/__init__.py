"""Durations learned from reports: versioned models, trained, compared on a hold-out, promoted and taken back."""
