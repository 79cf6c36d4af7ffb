"""How email addresses are compared."""


def normalize_email(email: str) -> str:
    """Return the form in which two addresses of one person are equal.

    Example:
        >>> normalize_email(" Ada@Example.ORG ")
        'ada@example.org'
    """
    return email.strip().lower()


def mailbox(email: str) -> str:
    """Return what stands before the last `@`, in normal form.

    Example:
        >>> mailbox("Ada@example.org")
        'ada'
    """
    return normalize_email(email).rpartition("@")[0]
