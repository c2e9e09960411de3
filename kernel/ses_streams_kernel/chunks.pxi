# What both hops do with a chunk: scan it into a row of places, and turn plain bytes into keys. No rule is here.

cdef enum:
    KEPT = 13


cdef class Scan:
    """A chunk that was looked through: which of its records are plain, and where their first fields start."""

    cdef Py_ssize_t count
    cdef unsigned char *plain
    cdef int32_t *starts

    def __cinit__(self, Py_ssize_t count):
        self.count = count
        self.plain = <unsigned char *>PyMem_Calloc(count + 1, 1)
        self.starts = <int32_t *>PyMem_Malloc((count + 1) * KEPT * sizeof(int32_t))
        if self.plain == NULL or self.starts == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.plain)
        PyMem_Free(self.starts)


cdef inline bytes key_of(object given, const unsigned char *text, Py_ssize_t size):
    # The key that a producer wrote, where it is the one that the value says: it need not be made again.
    if type(given) is bytes and PyBytes_GET_SIZE(given) == size and not memcmp(PyBytes_AS_STRING(given), text, size):
        return <bytes>given
    return PyBytes_FromStringAndSize(<const char *>text, size)


cdef inline const unsigned char *start_of(object value) noexcept:
    return <const unsigned char *>PyBytes_AS_STRING(value)


cdef unsigned char ADDRESS[256]
# What each byte may be in an address that is in normal form already: 1 in the local part, 2 in the domain.
memset(ADDRESS, 0, 256)


cdef int _allow(bytes allowed, int where) except -1:
    for byte in allowed:
        ADDRESS[<unsigned char>byte] |= where
    return 0


_allow(b"abcdefghijklmnopqrstuvwxyz0123456789.-", 3)
_allow(b"!#$%&'*+/=?^_`{|}~", 1)


cdef Py_ssize_t domain_of(const unsigned char *text, Py_ssize_t size) noexcept nogil:
    # Where the domain of a plain address starts; NO for any other text, whose normal form Python knows.
    cdef Py_ssize_t i = 0, at
    while i < size and ADDRESS[text[i]] & 1:
        i += 1
    if i == 0 or i >= size or text[i] != c'@':
        return NO
    at = i + 1
    for i in range(at, size):
        if not ADDRESS[text[i]] & 2:
            return NO
    return at if at < size else NO


cdef inline bint is_plain_id(const unsigned char *text, Py_ssize_t size) noexcept nogil:
    # Whether a message id is in normal form already.
    return size > 0 and memchr(text, c'@', size) == NULL and memchr(text, c'<', size) == NULL


cdef inline unsigned char *put_long(unsigned char *to, int64_t number) noexcept nogil:
    cdef uint64_t left = (<uint64_t>number << 1) ^ <uint64_t>(number >> 63)
    while left > 0x7F:
        to[0] = <unsigned char>(left & 0x7F | 0x80)
        to += 1
        left >>= 7
    to[0] = <unsigned char>left
    return to + 1


cdef inline unsigned char *put_text(unsigned char *to, const unsigned char *text, Py_ssize_t size) noexcept nogil:
    to = put_long(to, size)
    memcpy(to, text, size)
    return to + size


cdef inline unsigned char *put_big(unsigned char *to, uint64_t number, int size) noexcept nogil:
    # Write a number of *size* bytes, the highest first.
    cdef int i
    for i in range(size):
        to[i] = <unsigned char>(number >> (8 * (size - 1 - i)))
    return to + size


cdef inline uint64_t big(const unsigned char *at, int size) noexcept nogil:
    cdef uint64_t number = 0
    cdef int i
    for i in range(size):
        number = number << 8 | at[i]
    return number
