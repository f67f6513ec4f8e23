"""What ``doctor`` looks at: this machine, and each host."""
