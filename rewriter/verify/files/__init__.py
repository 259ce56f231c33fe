"""What lies in two images: files, packages, libraries, and who may read them."""
