"""What the figures measure. A result is kept by the digest of its module and all that this imports: no wording here."""
