"""From Images and a Model to Predictions."""
