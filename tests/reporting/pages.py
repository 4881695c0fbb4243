"""Read a page as a browser does."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Read a page: its text, the names of its elements, and whether all are closed."""

    def __init__(self, html):
        super().__init__()
        self.words, self.tags, self.links, self._open = [], [], [], []
        self.feed(html)
        assert self._open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)
