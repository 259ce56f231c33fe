"""What a stage needs of its image that the lighter twin of this image lacks."""
