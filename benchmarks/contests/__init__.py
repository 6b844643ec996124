"""What ``estimators.py`` times: each task in the book's way, and in that of its peers."""
