"""What commands stand on: the site of an ini file, progress, failures as sentences."""
