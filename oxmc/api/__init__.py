"""What `import oxmc` offers; the command line is a thin layer over it."""
