"""Links from pages to files of the repository that are no pages: they become copies within the site."""


def setup(app):
    """Nothing yet."""
    return {"parallel_read_safe": True}
