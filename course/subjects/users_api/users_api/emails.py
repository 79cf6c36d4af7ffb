"""How email addresses are compared."""


def normalize_email(email: str) -> str:
    """Return the form in which two spellings of one address are equal.

    Example:
        >>> normalize_email(" Ada@Example.ORG ")
        'ada@example.org'
    """
    return email.strip().lower()
