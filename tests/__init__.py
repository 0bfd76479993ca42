"""What must be true of Earwitness, told as situations."""
