# Hop 1's sends: nearly every one begins a life, which is a head and the record as it came (streams/state/lives.py).

cdef enum:
    HEAD = 24
    SENT_AT = 0
    SEND_ID = 1
    SEND_STREAM = 2
    SEND_ATTEMPT = 3
    SEND_REQUEST = 4
    LIFE_VERSION = 1
    HAS_SEND = 1
    HAS_ANSWER = 4


cdef class Sends:
    """Takes chunks of mail.Send.

    Args:
        layout: of mail.Send; its first fields are sent_at, message_id, stream, attempt, request_id.
        via: the place of that field; *vias* are its symbols.
        latest: the last time (ms) that can be kept.
    """

    cdef Layout layout
    cdef int via
    cdef list vias
    cdef int64_t latest

    def __init__(self, Layout layout, int via, list vias, int64_t latest):
        if via >= KEPT:
            raise ValueError("via is not among the first fields")
        self.layout, self.via, self.vias, self.latest = layout, via, vias, latest

    def scan(self, list keys, list values):
        """Return the scan of a chunk, and the key of each of its records: None for one that Python has to read."""
        cdef Scan scan = Scan(len(values))
        cdef list found = [None] * len(values)
        cdef Py_ssize_t i, size
        cdef int32_t starts[MOST_FIELDS + 1]
        cdef const unsigned char *at
        cdef const unsigned char *text
        for i in range(scan.count):
            value = values[i]
            if type(value) is not bytes:
                continue
            at = start_of(value)
            if not self.layout.find(at, PyBytes_GET_SIZE(value), starts, self.layout.count):
                continue
            if not 0 <= long_at(at + starts[SENT_AT]) <= self.latest:
                continue
            text_at(at + starts[SEND_ID], &text, &size)
            if is_plain_id(text, size):
                memcpy(scan.starts + i * KEPT, starts, KEPT * sizeof(int32_t))
                scan.plain[i] = 1
                found[i] = key_of(keys[i], text, size)
        return scan, found

    def take(self, Scan scan, places, list keys, list values, dict lives, dict stored, dict writes, list begun,
             int64_t now, slow, counts):
        """Begin the lives of sends of which nothing is known; hand the places of all others to *slow*, in order."""
        cdef dict tallies = {}
        cdef Py_ssize_t i
        for place in places:
            i = place
            if scan.plain[i]:
                key = keys[i]
                if key not in lives and stored[key] is None:
                    value = values[i]
                    stored[key] = writes[key] = self.begun(value, now)
                    begun.append(key)
                    self.tally(tallies, start_of(value), scan.starts + i * KEPT)
                    continue
            slow(place)
        for said, count in tallies.items():
            counts["ses_sends_total", (<bytes>said)[1:].decode(), self.vias[said[0]]] += count

    cdef bytes begun(self, bytes value, int64_t now):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(value)
        cdef bytes life = PyBytes_FromStringAndSize(NULL, HEAD + size)
        cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(life)
        to[0], to[1] = LIFE_VERSION, HAS_SEND
        to = put_big(put_big(to + 2, now, 8), now, 8)
        memset(to, 0, 6)
        memcpy(to + 6, PyBytes_AS_STRING(value), size)
        return life

    cdef tally(self, dict tallies, const unsigned char *at, int32_t *starts):
        cdef const unsigned char *text
        cdef Py_ssize_t size
        text_at(at + starts[SEND_STREAM], &text, &size)
        cdef bytes said = PyBytes_FromStringAndSize(NULL, size + 1)
        cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(said)
        to[0] = at[starts[self.via]] >> 1
        memcpy(to + 1, text, size)
        tallies[said] = tallies.get(said, 0) + 1
