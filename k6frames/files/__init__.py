"""Write frames to files, and read them back."""
