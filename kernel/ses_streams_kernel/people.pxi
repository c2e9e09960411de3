# Hop 2's outcomes: nearly every one is a delivery to somebody of whom nothing else is known, and only moves a time in a
# head of fixed size (streams/state/standings.py).

cdef enum:
    OUTCOME_AT = 1
    RECIPIENT = 4
    STANDING = 47
    SAID = 33


cdef class People:
    """Takes chunks of mail.Outcome.

    Args:
        layout: of mail.Outcome up to its recipient.
        silent: kinds, by their first byte, that say nothing about a person.
        delivered: the byte of a delivery. never: the time that stands for never.
        versions: the first byte of heads that can be read, the newest first.
        latest: the last time (ms) that can be kept.
    """

    cdef Layout layout
    cdef frozenset silent
    cdef int delivered
    cdef bytes versions
    cdef bytes fresh
    cdef int64_t latest

    def __init__(self, Layout layout, frozenset silent, int delivered, bytes versions, bytes fresh, int64_t latest):
        if len(fresh) != STANDING:
            raise ValueError("a standing's head has 47 bytes")
        self.layout, self.silent, self.delivered = layout, silent, delivered
        self.versions, self.fresh, self.latest = versions, fresh, latest

    def scan(self, list values):
        """Return the scan of a chunk, and the key of each of its records.

        A key is None for a record that Python has to read, and empty for one that says nothing about a person.
        """
        cdef Scan scan = Scan(len(values))
        cdef list found = [None] * len(values)
        cdef Py_ssize_t i, size
        cdef int32_t starts[MOST_FIELDS + 1]
        cdef const unsigned char *at
        cdef const unsigned char *text
        cdef const unsigned char *header = start_of(self.layout.header)
        for i in range(scan.count):
            value = values[i]
            if type(value) is not bytes or PyBytes_GET_SIZE(value) < 6:
                continue
            at = start_of(value)
            if not memcmp(at, header, 5) and at[5] in self.silent:
                found[i] = b""
                continue
            if at[5] != self.delivered or not self.layout.find(at, PyBytes_GET_SIZE(value), starts, RECIPIENT + 1):
                continue
            if not 0 <= long_at(at + starts[OUTCOME_AT]) <= self.latest:
                continue
            text_at(at + starts[RECIPIENT], &text, &size)
            if domain_of(text, size) >= 0:
                memcpy(scan.starts + i * KEPT, starts, (RECIPIENT + 2) * sizeof(int32_t))
                scan.plain[i] = 1
                found[i] = PyBytes_FromStringAndSize(<const char *>text, size)
        return scan, found

    def take(self, Scan scan, places, list keys, list values, dict known, dict stored, dict writes, int64_t now, slow):
        """Note deliveries to people of whom nothing more is known; hand the places of all others to *slow*, in order."""
        cdef Py_ssize_t i
        for place in places:
            i = place
            if scan.plain[i]:
                key = keys[i]
                if key not in known:
                    was = writes.get(key)
                    if was is None:
                        was = stored[key]
                    after = self.after(was, long_at(start_of(values[i]) + scan.starts[i * KEPT + OUTCOME_AT]), now)
                    if after is not None:
                        writes[key] = after
                        continue
            slow(place)

    cdef bytes after(self, object was, int64_t at, int64_t now):
        # The stored standing after a delivery; None where the rules must be asked.
        cdef const unsigned char *old = NULL
        if was is not None:
            old = start_of(was)
            if PyBytes_GET_SIZE(was) != STANDING or not is_bare(old, self.versions):
                return None
        cdef bytes head = PyBytes_FromStringAndSize(NULL, STANDING)
        cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(head)
        memcpy(to, start_of(self.fresh) if old == NULL else old, STANDING)
        to[0] = start_of(self.versions)[0]
        put_big(to + 1, now, 8)
        put_big(to + 9, at if old == NULL else max(at, <int64_t>big(old + 9, 8)), 8)
        if old != NULL:
            to[41] = to[42] = 0
        return head


cdef bint is_bare(const unsigned char *head, bytes versions) noexcept:
    # Whether nothing was said of somebody, and the address is written as it is kept.
    cdef int i
    if memchr(PyBytes_AS_STRING(versions), head[0], PyBytes_GET_SIZE(versions)) == NULL:
        return False
    for i in range(SAID, SAID + 8):
        if head[i]:
            return False
    return big(head + 43, 4) == 0xFFFFFFFF
