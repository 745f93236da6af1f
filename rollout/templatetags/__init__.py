"""What templates of this product may ask for."""
