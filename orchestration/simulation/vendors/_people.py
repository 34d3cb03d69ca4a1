"""How the company's people are called at the vendors that do not know their addresses."""


def login(email: str) -> str:
    """A person's login at GitHub: ``person-0001@example.com`` is ``p0001``. What is no address,
    such as ``dependabot[bot]``, keeps its name."""
    name, at, _ = email.partition("@")
    return name.replace("person-", "p") if at else email
