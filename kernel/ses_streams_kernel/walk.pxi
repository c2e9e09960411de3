# Avro bytes, walked by a plan that Python makes of the schema (streams/schemas/layout.py): nothing here knows a field.
#
# A walk either finds the record whole and plain, or says no; it never guesses. What it turns down is read in Python,
# which alone decides what is wrong with it. A plan is a row of steps, one byte each, some with a length and a plan of
# their own behind them:
#   s  a text, in UTF-8             S  a text that has to be ASCII
#   l  a long    i  an int          b  a boolean
#   e  an enum: one byte, how many symbols            o  ["null", X]: one byte, the length of X's plan; the plan
#   a  an array: length, the items' plan              m  a map: length, the values' plan
# Counts and lengths below zero (blocks with a size), and numbers of more than nine bytes, are turned down.

cdef enum:
    NO = -1
    MOST_FIELDS = 40


cdef struct Spot:
    # Where a walk is: the bytes, the place, the end.
    const unsigned char *at
    const unsigned char *end


cdef inline bint take_long(Spot *spot, int64_t *number) noexcept nogil:
    # Read a zigzag varint; false where it is cut short or too long.
    cdef uint64_t found = 0
    cdef int shift = 0
    cdef unsigned char byte
    while spot.at < spot.end and shift < 63:
        byte = spot.at[0]
        spot.at += 1
        found |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            number[0] = <int64_t>(found >> 1) ^ -<int64_t>(found & 1)
            return True
        shift += 7
    return False


cdef inline bint take_text(Spot *spot, const unsigned char **text, Py_ssize_t *size) noexcept nogil:
    # Read a length and step over what it measures.
    cdef int64_t length
    if not take_long(spot, &length) or length < 0 or length > spot.end - spot.at:
        return False
    text[0] = spot.at
    size[0] = <Py_ssize_t>length
    spot.at += length
    return True


cdef inline bint is_ascii(const unsigned char *text, Py_ssize_t size) noexcept nogil:
    cdef unsigned char seen = 0
    cdef Py_ssize_t i
    for i in range(size):
        seen |= text[i]
    return seen < 0x80


cdef bint is_utf8(const unsigned char *text, Py_ssize_t size) noexcept nogil:
    # Whether a text is UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF.
    cdef const unsigned char *end = text + size
    cdef unsigned char first
    cdef int more, i
    while text < end:
        first = text[0]
        text += 1
        if first < 0x80:
            continue
        more = 1 if 0xC2 <= first <= 0xDF else 2 if first & 0xF0 == 0xE0 else 3 if 0xF0 <= first <= 0xF4 else 0
        if more == 0 or end - text < more:
            return False
        if (first == 0xE0 and text[0] < 0xA0) or (first == 0xED and text[0] > 0x9F):
            return False
        if (first == 0xF0 and text[0] < 0x90) or (first == 0xF4 and text[0] > 0x8F):
            return False
        for i in range(more):
            if text[i] & 0xC0 != 0x80:
                return False
        text += more
    return True


cdef bint follow(const unsigned char *plan, const unsigned char *stop, Spot *spot) noexcept nogil:
    # Walk over what *plan* says, up to *stop*; false where the bytes are not so, or not plain.
    cdef unsigned char step
    cdef const unsigned char *text
    cdef Py_ssize_t size
    cdef int64_t number
    while plan < stop:
        step = plan[0]
        plan += 1
        if step == c's' or step == c'S':
            if not take_text(spot, &text, &size):
                return False
            if not is_ascii(text, size) and (step == c'S' or not is_utf8(text, size)):
                return False
        elif step == c'o':
            size = plan[0]
            plan += 1
            if spot.at >= spot.end or spot.at[0] & ~2:
                return False
            spot.at += 1
            if (spot.at - 1)[0] and not follow(plan, plan + size, spot):
                return False
            plan += size
        elif step == c'l':
            if not take_long(spot, &number):
                return False
        elif step == c'i':
            if not take_long(spot, &number) or not -0x80000000 <= number <= 0x7FFFFFFF:
                return False
        elif step == c'b':
            if spot.at >= spot.end or spot.at[0] > 1:
                return False
            spot.at += 1
        elif step == c'e':
            if spot.at >= spot.end or spot.at[0] & 1 or spot.at[0] >> 1 >= plan[0]:
                return False
            spot.at += 1
            plan += 1
        elif step == c'a' or step == c'm':
            size = plan[0]
            if not follow_blocks(step == c'm', plan + 1, plan + 1 + size, spot):
                return False
            plan += 1 + size
        else:
            return False
    return True


cdef bint follow_blocks(bint keyed, const unsigned char *plan, const unsigned char *stop, Spot *spot) noexcept nogil:
    # Walk over the items of an array or a map.
    cdef int64_t count, i
    cdef const unsigned char *text
    cdef Py_ssize_t size
    while True:
        if not take_long(spot, &count) or count < 0:
            return False
        if count == 0:
            return True
        for i in range(count):
            if keyed and not (take_text(spot, &text, &size) and (is_ascii(text, size) or is_utf8(text, size))):
                return False
            if not follow(plan, stop, spot):
                return False


cdef class Layout:
    """Where the fields of a record of one schema lie; *header* is what its wire values begin with.

    Args:
        header: five bytes.
        plans: a plan for each field, in order.
    """

    cdef bytes header
    cdef bytes plan
    cdef int count
    cdef int bounds[MOST_FIELDS + 1]

    def __init__(self, bytes header, list plans):
        if len(header) != 5 or len(plans) > MOST_FIELDS:
            raise ValueError("a layout has a header of five bytes and at most 40 fields")
        self.header = header
        self.count = len(plans)
        self.plan = b"".join(plans)
        cdef int at = 0
        self.bounds[0] = 0
        for number, each in enumerate(plans):
            at += len(each)
            self.bounds[number + 1] = at

    cdef bint find(self, const unsigned char *value, Py_ssize_t size, int32_t *starts, int fields) noexcept:
        # Note where the first *fields* fields start, and where the last of them ends; with all of them, the value has
        # to end there too.
        cdef const unsigned char *plan = <const unsigned char *>PyBytes_AS_STRING(self.plan)
        cdef Spot spot
        cdef int number
        if size < 5 or size > 0x7FFFFFFF or memcmp(value, PyBytes_AS_STRING(self.header), 5):
            return False
        spot.at = value + 5
        spot.end = value + size
        for number in range(fields):
            starts[number] = <int32_t>(spot.at - value)
            if not follow(plan + self.bounds[number], plan + self.bounds[number + 1], &spot):
                return False
        starts[fields] = <int32_t>(spot.at - value)
        return fields < self.count or spot.at == spot.end

    def starts(self, bytes value):
        """Return where each field of *value* starts and the last one ends; None where it is not whole and plain."""
        cdef int32_t found[MOST_FIELDS + 1]
        if not self.find(<const unsigned char *>PyBytes_AS_STRING(value), len(value), found, self.count):
            return None
        return [found[number] for number in range(self.count + 1)]


cdef inline void text_at(const unsigned char *at, const unsigned char **text, Py_ssize_t *size) noexcept nogil:
    # Read a text that a walk has passed already.
    cdef Spot spot
    spot.at = at
    spot.end = at + 0x7FFFFFFF
    take_text(&spot, text, size)


cdef inline int64_t long_at(const unsigned char *at) noexcept nogil:
    # Read a number that a walk has passed already.
    cdef Spot spot
    cdef int64_t number = 0
    spot.at = at
    spot.end = at + 10
    take_long(&spot, &number)
    return number
