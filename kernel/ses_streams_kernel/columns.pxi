# Columns of keys and values on their way: split by partition, packed for a timer, looked up in what is at hand.


def split(list keys, list values, int count):
    """Return (partition, keys, values) for each partition that has any, in order, each in the order of the columns."""
    cdef list found = [None] * count
    cdef bytes key
    cdef Py_ssize_t i
    cdef uint32_t place
    cdef list columns
    if len(keys) != len(values):
        raise ValueError("as many keys as values")
    for i in range(len(keys)):
        key = keys[i]
        place = (murmur2(start_of(key), len(key)) & 0x7FFFFFFF) % <uint32_t>count
        if found[place] is None:
            found[place] = [place, [], []]
        columns = found[place]
        (<list>columns[1]).append(key)
        (<list>columns[2]).append(values[i])
    return [tuple(each) for each in found if each is not None]


def pack(keys):
    """Return keys as one value, each behind its length in four bytes."""
    cdef Py_ssize_t size = 0
    cdef bytes key
    for key in keys:
        size += 4 + len(key)
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(packed)
    for key in keys:
        to = put_big(to, len(key), 4)
        memcpy(to, start_of(key), len(key))
        to += len(key)
    return packed


def at_hand(dict newer, dict older, list keys):
    """Return the values of *keys* in *newer*, or else in *older*, and the places and keys of those in neither."""
    cdef Py_ssize_t i
    cdef list values = [None] * len(keys)
    cdef list places = []
    cdef list missing = []
    for i in range(len(keys)):
        key = keys[i]
        if key in newer:
            values[i] = newer[key]
        elif key in older:
            values[i] = older[key]
        else:
            places.append(i)
            missing.append(key)
    return values, places, missing


def size_of(dict rows):
    """Return the bytes of all values that there are."""
    cdef Py_ssize_t size = 0
    for value in rows.values():
        if value is not None:
            size += PyBytes_GET_SIZE(<bytes>value)
    return size
