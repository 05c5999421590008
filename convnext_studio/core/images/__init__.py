"""From a path to pixels: find, open, preprocess, thumbnails."""
