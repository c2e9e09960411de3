# Which partition a key belongs to: murmur2 as Java's clients have it (streams/partition.py says where from).

cdef enum:
    SEED = 0x9747B28C
    FACTOR = 0x5BD1E995


cdef uint32_t murmur2(const unsigned char *key, Py_ssize_t size) noexcept nogil:
    cdef uint32_t hashed = <uint32_t>SEED ^ <uint32_t>size
    cdef uint32_t word
    cdef Py_ssize_t at = 0
    while size - at >= 4:
        memcpy(&word, key + at, 4)
        word *= <uint32_t>FACTOR
        word ^= word >> 24
        word *= <uint32_t>FACTOR
        hashed = hashed * <uint32_t>FACTOR ^ word
        at += 4
    if size - at == 3:
        hashed ^= <uint32_t>key[at + 2] << 16
    if size - at >= 2:
        hashed ^= <uint32_t>key[at + 1] << 8
    if size - at >= 1:
        hashed ^= key[at]
        hashed *= <uint32_t>FACTOR
    hashed ^= hashed >> 13
    hashed *= <uint32_t>FACTOR
    return hashed ^ hashed >> 15


def partitions(keys, uint64_t count):
    """Return the partition of each key, 0 to *count* - 1; TypeError where one is not bytes."""
    cdef list found = []
    cdef bytes key
    for key in keys:
        found.append((murmur2(start_of(key), len(key)) & 0x7FFFFFFF) % count)
    return found


def strays(keys, uint64_t partition, uint64_t count):
    """Return the places of those *keys* that belong to another partition than *partition* of *count*."""
    cdef list found = []
    cdef bytes key
    cdef Py_ssize_t place = 0
    for key in keys:
        if (murmur2(start_of(key), len(key)) & 0x7FFFFFFF) % count != partition:
            found.append(place)
        place += 1
    return found
