# BLAKE2b (RFC 7693) with a digest of 16 bytes and no key: the ids of outcomes, which have to be those of hashlib.

cdef uint64_t[8] BEGIN = [
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]
cdef unsigned char[10][16] ORDER = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]
cdef enum:
    DIGEST = 16
    BLOCK = 128


cdef inline uint64_t turned(uint64_t word, int by) noexcept nogil:
    return (word >> by) | (word << (64 - by))


cdef inline void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) noexcept nogil:
    v[a] += v[b] + x
    v[d] = turned(v[d] ^ v[a], 32)
    v[c] += v[d]
    v[b] = turned(v[b] ^ v[c], 24)
    v[a] += v[b] + y
    v[d] = turned(v[d] ^ v[a], 16)
    v[c] += v[d]
    v[b] = turned(v[b] ^ v[c], 63)


cdef void compress(uint64_t *state, const unsigned char *block, uint64_t counted, bint last) noexcept nogil:
    cdef uint64_t v[16]
    cdef uint64_t m[16]
    cdef int i
    cdef const unsigned char *s
    memcpy(m, block, BLOCK)  # little-endian, as all machines that we build for
    for i in range(8):
        v[i] = state[i]
        v[i + 8] = BEGIN[i]
    v[12] ^= counted
    if last:
        v[14] = ~v[14]
    for i in range(12):
        s = ORDER[i % 10]
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]])
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]])
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]])
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]])
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]])
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]])
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]])
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]])
    for i in range(8):
        state[i] ^= v[i] ^ v[i + 8]


cdef void digest(const unsigned char *said, Py_ssize_t size, unsigned char *found) noexcept nogil:
    # Write the 16 bytes of the digest of *said*.
    cdef uint64_t state[8]
    cdef unsigned char block[BLOCK]
    cdef Py_ssize_t at = 0
    memcpy(state, BEGIN, 64)
    state[0] ^= 0x01010000 ^ DIGEST
    while size - at > BLOCK:
        compress(state, said + at, <uint64_t>(at + BLOCK), False)
        at += BLOCK
    memset(block, 0, BLOCK)
    memcpy(block, said + at, size - at)
    compress(state, block, <uint64_t>size, True)
    memcpy(found, state, DIGEST)


def digest_of(bytes said):
    """Return the digest of *said*: hashlib's blake2b with digest_size=16."""
    cdef unsigned char found[DIGEST]
    digest(<const unsigned char *>PyBytes_AS_STRING(said), len(said), found)
    return PyBytes_FromStringAndSize(<char *>found, DIGEST)
