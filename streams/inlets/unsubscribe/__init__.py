"""The road by which people leave a stream with one click: the page, what is posted to it, and what that becomes."""
