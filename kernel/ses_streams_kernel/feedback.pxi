# Hop 1's feedback: an event meets the life of its message, and one outcome for each recipient is written.
#
# What an event means is not known here. Verdicts are asked of Python once for each thing that SES says (`judge`), and
# remembered by the bytes in which it was said; what follows for a life is three comparisons of numbers that Python
# handed over. Whatever is not an ordinary life with its Send goes to Python.

cdef enum:
    KIND = 0
    OCCURRED_AT = 1
    FEEDBACK_ID = 2
    MESSAGE_ID = 3
    RECIPIENTS = 4
    JUDGED_END = 12
    MARK = 8
    REACHED = 13
    MOST_PEOPLE = 50
    MOST_SEEN = 1000
    MOST_REMEMBERED = 8192
    OWN_FIELDS = 200


cdef struct Person:
    # One recipient of an event: the address, what is said of it, and the id of its outcome.
    const unsigned char *address
    Py_ssize_t size
    const unsigned char *told
    Py_ssize_t told_size
    Py_ssize_t domain
    unsigned char digest[DIGEST]


cdef struct Life:
    # A stored life, taken apart where it lies.
    const unsigned char *marks
    const unsigned char *reached
    const unsigned char *send
    int n_marks
    int n_reached
    Py_ssize_t reached_size
    Py_ssize_t send_size


cdef class Judgement:
    """What Python makes of one thing that SES says: the outcome's kind, by its place in the schema, and its words.

    *about* is for whoever counts; it is handed back untouched.
    """

    cdef readonly int kind
    cdef readonly bytes reason
    cdef readonly object status
    cdef readonly bint certain
    cdef readonly object about
    cdef unsigned int number

    def __init__(self, int kind, bytes reason, status, bint certain, about):
        self.kind, self.reason, self.status, self.certain, self.about = kind, reason, status, certain, about


cdef class Tally:
    """How many outcomes of one judgement, stream and domain a chunk had, and how long they took (ms)."""

    cdef readonly Judgement judgement
    cdef readonly str stream
    cdef readonly str domain
    cdef readonly Py_ssize_t count
    cdef readonly list latencies


cdef class Feedback:
    """Takes chunks of mail.Feedback.

    Args:
        layout, sends, outcome: the layouts of mail.Feedback and of mail.Send, and the header of mail.Outcome.
        kinds: SES's kinds, in the schema's order.
        ranks, names: of each kind of outcome, by its number: how far it is, and its place in the order of names.
        timed: the kind of which latencies are kept.
        latest: the last time (ms) that can be kept.
        judge: what a value's event means for each of its recipients alike; None where Python must take the event.
    """

    cdef Layout layout
    cdef Layout sends
    cdef bytes outcome
    cdef list kinds
    cdef bytes ranks
    cdef bytes names
    cdef int timed
    cdef int64_t latest
    cdef object judge
    cdef dict remembered
    cdef unsigned int told
    cdef unsigned char *scratch
    cdef Py_ssize_t room

    def __cinit__(self):
        self.scratch = NULL
        self.room = 0

    def __init__(self, Layout layout, Layout sends, bytes outcome, list kinds, bytes ranks, bytes names, int timed,
                 int64_t latest, judge):
        self.layout, self.sends, self.outcome, self.kinds = layout, sends, outcome, kinds
        self.ranks, self.names, self.timed, self.latest, self.judge = ranks, names, timed, latest, judge
        self.remembered = {}
        self.told = 0

    def __dealloc__(self):
        PyMem_Free(self.scratch)

    def scan(self, list keys, list values):
        """Return the scan of a chunk, and the key of each of its records: None for one that Python has to read."""
        cdef Scan scan = Scan(len(values))
        cdef list found = [None] * len(values)
        cdef Py_ssize_t i, size
        cdef int32_t starts[MOST_FIELDS + 1]
        cdef const unsigned char *at
        cdef const unsigned char *text
        cdef Person people[MOST_PEOPLE]
        for i in range(scan.count):
            value = values[i]
            if type(value) is not bytes:
                continue
            at = start_of(value)
            if not self.layout.find(at, PyBytes_GET_SIZE(value), starts, self.layout.count):
                continue
            if not 0 <= long_at(at + starts[OCCURRED_AT]) <= self.latest:
                continue
            text_at(at + starts[FEEDBACK_ID], &text, &size)
            if size == 0 or people_of(at + starts[RECIPIENTS], people) < 1:
                continue
            text_at(at + starts[MESSAGE_ID], &text, &size)
            if is_plain_id(text, size):
                memcpy(scan.starts + i * KEPT, starts, KEPT * sizeof(int32_t))
                scan.plain[i] = 1
                found[i] = key_of(keys[i], text, size)
        return scan, found

    def take(self, Scan scan, places, list keys, list values, dict lives, dict stored, dict writes,
             list out_keys, list out_values, int64_t now, slow):
        """Join events with lives that have their Send; hand the places of all others to *slow*, in order.

        Return the tallies of what was joined here.
        """
        cdef dict tallies = {}
        cdef Py_ssize_t i
        for place in places:
            i = place
            if scan.plain[i]:
                key = keys[i]
                if key not in lives:
                    life = stored[key]
                    if life is not None:
                        after = self.joined(values[i], scan.starts + i * KEPT, life, now, out_keys, out_values, tallies)
                        if after is not None:
                            stored[key] = writes[key] = after
                            continue
            slow(place)
        return list(tallies.values())

    cdef bytes joined(self, bytes value, int32_t *starts, bytes stored, int64_t now, list out_keys, list out_values,
                      dict tallies):
        # Write the outcomes of one event, and return the life after it; None where Python has to take it.
        cdef const unsigned char *at = start_of(value)
        cdef Person people[MOST_PEOPLE]
        cdef Life life
        cdef int32_t sent[MOST_FIELDS + 1]
        cdef int count, i
        if not open_life(stored, &life):
            return None
        if not self.sends.find(life.send, life.send_size, sent, SEND_REQUEST + 1):
            return None
        count = people_of(at + starts[RECIPIENTS], people)
        cdef Judgement judgement = self.judgement_of(value, starts, people, count)
        if judgement is None:
            return None
        self.name(at, starts, people, count)
        if not are_new(&life, people, count):
            return None
        cdef int64_t occurred_at = long_at(at + starts[OCCURRED_AT])
        cdef bytes after = self.heard(&life, people, count, judgement.kind, occurred_at, stored, now)
        if after is None:
            return None
        cdef int64_t latency = max(occurred_at - long_at(life.send + sent[SENT_AT]), 0) if occurred_at else -1
        for i in range(count):
            out_keys.append(PyBytes_FromStringAndSize(<const char *>people[i].address, people[i].size))
            out_values.append(self.written(value, starts, &people[i], judgement, &life, sent, occurred_at, latency))
            self.tally(tallies, &people[i], judgement, life.send + sent[SEND_STREAM], latency)
        return after

    cdef Judgement judgement_of(self, bytes value, int32_t *starts, Person *people, int count):
        # What the event means; remembered by all bytes that a verdict rests on.
        cdef const unsigned char *at = start_of(value)
        cdef int i
        for i in range(1, count):
            if people[i].told_size != people[0].told_size or memcmp(people[i].told, people[0].told, people[0].told_size):
                return None
        cdef Py_ssize_t rest = starts[RECIPIENTS + 1]
        cdef Py_ssize_t end = starts[JUDGED_END]
        cdef bytes said = PyBytes_FromStringAndSize(NULL, 2 + people[0].told_size + end - rest)
        cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(said)
        to[0], to[1] = at[starts[KIND]], count > 1
        memcpy(to + 2, people[0].told, people[0].told_size)
        memcpy(to + 2 + people[0].told_size, at + rest, end - rest)
        found = self.remembered.get(said, self)
        if found is not self:
            return found
        if len(self.remembered) >= MOST_REMEMBERED:
            self.remembered.clear()
        cdef Judgement judgement = self.judge(value)
        if judgement is not None:
            self.told += 1
            judgement.number = self.told
        self.remembered[said] = judgement
        return judgement

    cdef name(self, const unsigned char *at, int32_t *starts, Person *people, int count):
        # Give each recipient's outcome its id: the digest of kind, feedback id and recipient.
        cdef bytes kind = self.kinds[at[starts[KIND]] >> 1]
        cdef const unsigned char *text
        cdef Py_ssize_t size, head
        cdef int i
        cdef unsigned char *said
        text_at(at + starts[FEEDBACK_ID], &text, &size)
        head = PyBytes_GET_SIZE(kind) + size + 2
        for i in range(count):
            said = self.scratch_of(head + people[i].size)
            memcpy(said, PyBytes_AS_STRING(kind), PyBytes_GET_SIZE(kind))
            said[PyBytes_GET_SIZE(kind)] = 0
            memcpy(said + PyBytes_GET_SIZE(kind) + 1, text, size)
            said[head - 1] = 0
            memcpy(said + head, people[i].address, people[i].size)
            digest(said, head + people[i].size, people[i].digest)

    cdef unsigned char *scratch_of(self, Py_ssize_t size) except NULL:
        if size > self.room:
            self.scratch = <unsigned char *>PyMem_Realloc(self.scratch, 2 * size)
            self.room = 2 * size
            if self.scratch == NULL:
                self.room = 0
                raise MemoryError
        return self.scratch

    cdef bytes heard(self, Life *life, Person *people, int count, int kind, int64_t at, bytes stored, int64_t now):
        # The life after an event: its marks and the furthest points reached, both in their order. None where a stored
        # kind is one that this version does not know.
        cdef Py_ssize_t most = PyBytes_GET_SIZE(stored) + count * (MARK + REACHED)
        cdef int i
        for i in range(count):
            most += people[i].size
        cdef unsigned char *begin = self.scratch_of(most)
        cdef unsigned char *to = begin
        memcpy(to, PyBytes_AS_STRING(stored), HEAD)
        to[1] |= HAS_ANSWER
        put_big(to + 10, now, 8)
        to = put_marks(to + HEAD, life, people, count)
        cdef Py_ssize_t n_reached = self.put_reached(&to, life, people, count, kind, at)
        if n_reached < 0:
            return None
        put_big(begin + 18, life.n_marks + count, 2)
        put_big(begin + 20, n_reached, 2)
        cdef Py_ssize_t head = to - begin
        cdef bytes after = PyBytes_FromStringAndSize(NULL, head + life.send_size)
        cdef unsigned char *whole = <unsigned char *>PyBytes_AS_STRING(after)
        memcpy(whole, begin, head)
        memcpy(whole + head, life.send, life.send_size)
        return after

    cdef Py_ssize_t put_reached(self, unsigned char **to, Life *life, Person *people, int count, int kind, int64_t at):
        # Write how far each recipient got, by name; return of how many.
        cdef unsigned char done[MOST_PEOPLE]
        cdef const unsigned char *from_ = life.reached
        cdef Py_ssize_t size, written = 0
        cdef int i, n, person
        memset(done, 0, MOST_PEOPLE)
        for n in range(life.n_reached + 1):
            size = <Py_ssize_t>big(from_ + 9, 4) if n < life.n_reached else 0
            while True:  # those whose names come before this one
                person = first_before(people, done, count, from_ + REACHED, size, n == life.n_reached)
                if person < 0:
                    break
                done[person] = 1
                to[0] = put_far(to[0], kind, at, people[person].address, people[person].size)
                written += 1
            if n == life.n_reached:
                break
            if from_[0] >= PyBytes_GET_SIZE(self.ranks):
                return NO
            person = NO
            for i in range(count):
                if is_named(&people[i], from_ + REACHED, size):
                    person = i
                    done[i] = 1
            if person >= 0 and self.is_further(kind, at, from_[0], <int64_t>big(from_ + 1, 8)):
                to[0] = put_far(to[0], kind, at, people[person].address, size)
            else:
                memcpy(to[0], from_, REACHED + size)
                to[0] += REACHED + size
            written += 1
            from_ += REACHED + size
        return written

    cdef bint is_further(self, int kind, int64_t at, int was, int64_t was_at) noexcept:
        cdef const unsigned char *ranks = start_of(self.ranks)
        cdef const unsigned char *names = start_of(self.names)
        if ranks[kind] != ranks[was]:
            return ranks[kind] > ranks[was]
        if at != was_at:
            return at > was_at
        return names[kind] > names[was]

    cdef bytes written(self, bytes value, int32_t *starts, Person *person, Judgement judgement, Life *life,
                       int32_t *sent, int64_t occurred_at, int64_t latency):
        # The record of one outcome: its own fields, then the Send and the event as they came.
        cdef const unsigned char *at = start_of(value)
        cdef const unsigned char *send = life.send
        cdef const unsigned char *text
        cdef Py_ssize_t size
        cdef Py_ssize_t room = OWN_FIELDS + person.size + starts[MESSAGE_ID + 1] - starts[MESSAGE_ID]
        room += sent[SEND_REQUEST + 1] - sent[SEND_STREAM] + PyBytes_GET_SIZE(judgement.reason)
        room += 0 if judgement.status is None else PyBytes_GET_SIZE(judgement.status)
        cdef unsigned char *begin = self.scratch_of(room)
        cdef unsigned char *to = begin
        memcpy(to, PyBytes_AS_STRING(self.outcome), 5)
        to[5] = judgement.kind << 1
        to = put_long(to + 6, occurred_at)
        to[0], to[1] = judgement.certain, 1
        to = put_text(to + 2, person.address, person.size)
        to[0] = 2 * DIGEST << 1
        to = put_hex(to + 1, person.digest)
        to[0] = 2
        text_at(at + starts[MESSAGE_ID], &text, &size)
        to = put_text(to + 1, text, size)
        to = put_text(to, start_of(judgement.reason), PyBytes_GET_SIZE(judgement.reason))
        to = put_maybe(to, judgement.status)
        text_at(send + sent[SEND_STREAM], &text, &size)
        to = put_text(to, text, size)
        to = put_long(to, long_at(send + sent[SEND_ATTEMPT]))
        to[0] = send[sent[SEND_REQUEST]]
        to += 1
        if send[sent[SEND_REQUEST]]:
            text_at(send + sent[SEND_REQUEST] + 1, &text, &size)
            to = put_text(to, text, size)
        to[0] = 0 if latency < 0 else 2
        to = to + 1 if latency < 0 else put_long(to + 1, latency)
        to[0] = 0
        return joined_bytes(begin, to + 1 - begin, send + 5, life.send_size - 5, at + 5, PyBytes_GET_SIZE(value) - 5)

    cdef tally(self, dict tallies, Person *person, Judgement judgement, const unsigned char *stream, int64_t latency):
        cdef const unsigned char *text
        cdef Py_ssize_t size
        cdef Py_ssize_t domain = person.size - person.domain
        text_at(stream, &text, &size)
        cdef bytes key = PyBytes_FromStringAndSize(NULL, 8 + size + domain)
        cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(key)
        to = put_big(put_big(to, judgement.number, 4), size, 4)
        memcpy(to, text, size)
        memcpy(to + size, person.address + person.domain, domain)
        cdef Tally tally = <Tally>tallies.get(key)
        if tally is None:
            tally = Tally()
            tally.judgement, tally.count, tally.latencies = judgement, 0, []
            tally.stream = text[:size].decode()
            tally.domain = (person.address + person.domain)[:domain].decode()
            tallies[key] = tally
        tally.count += 1
        if judgement.kind == self.timed and latency >= 0:
            tally.latencies.append(latency)


cdef int people_of(const unsigned char *at, Person *people) noexcept nogil:
    # Take apart a list of recipients that was walked over; NO where one is not plain, or they are too many.
    cdef Spot spot
    cdef int64_t left
    cdef int count = 0, i
    cdef const unsigned char *text
    cdef Py_ssize_t size
    spot.at, spot.end = at, at + 0x7FFFFFFF
    while True:
        take_long(&spot, &left)
        if left == 0:
            return count
        if count + left > MOST_PEOPLE:
            return NO
        while left:
            take_text(&spot, &people[count].address, &people[count].size)
            people[count].domain = domain_of(people[count].address, people[count].size)
            if people[count].domain < 0:
                return NO
            people[count].told = spot.at
            for i in range(3):  # status, action, diagnostic
                spot.at += 1
                if (spot.at - 1)[0]:
                    take_text(&spot, &text, &size)
            people[count].told_size = spot.at - people[count].told
            spot.at += 1
            if (spot.at - 1)[0]:  # as it was written: Python sees to it
                return NO
            count += 1
            left -= 1


cdef bint open_life(bytes stored, Life *life) noexcept:
    # Take apart a stored life; false where it is not an ordinary one with its Send, and nothing waits in it.
    cdef const unsigned char *at = start_of(stored)
    cdef const unsigned char *end = at + PyBytes_GET_SIZE(stored)
    cdef int i
    if end - at < HEAD or at[0] != LIFE_VERSION or not at[1] & HAS_SEND or at[22] or at[23]:
        return False
    life.n_marks = <int>big(at + 18, 2)
    life.n_reached = <int>big(at + 20, 2)
    life.marks = at + HEAD
    at = life.reached = life.marks + MARK * life.n_marks
    for i in range(life.n_reached):
        if end - at < REACHED or <int64_t>big(at + 9, 4) > end - at - REACHED:
            return False
        at += REACHED + big(at + 9, 4)
    if at > end:
        return False
    life.reached_size = at - life.reached
    life.send = at
    life.send_size = end - at
    return True


cdef bint are_new(Life *life, Person *people, int count) noexcept nogil:
    # Whether no mark of these was seen, nor two of them are alike, and there is room for them.
    cdef int i, n
    if life.n_marks + count > MOST_SEEN:
        return False
    for i in range(count):
        for n in range(life.n_marks):
            if not memcmp(life.marks + MARK * n, people[i].digest, MARK):
                return False
        for n in range(i):
            if not memcmp(people[n].digest, people[i].digest, MARK):
                return False
    return True


cdef unsigned char *put_marks(unsigned char *to, Life *life, Person *people, int count) noexcept nogil:
    # Write the old marks and the new ones, sorted.
    cdef unsigned char *begin = to
    cdef unsigned char *at
    cdef int i
    memcpy(to, life.marks, MARK * life.n_marks)
    to += MARK * life.n_marks
    for i in range(count):
        at = to
        while at > begin and memcmp(at - MARK, people[i].digest, MARK) > 0:
            memcpy(at, at - MARK, MARK)
            at -= MARK
        memcpy(at, people[i].digest, MARK)
        to += MARK
    return to


cdef inline int compared(const unsigned char *a, Py_ssize_t n, const unsigned char *b, Py_ssize_t m) noexcept nogil:
    cdef int sign = memcmp(a, b, min(n, m))
    return sign if sign else (n > m) - (n < m)


cdef inline bint is_named(Person *person, const unsigned char *name, Py_ssize_t size) noexcept nogil:
    return person.size == size and not memcmp(person.address, name, size)


cdef int first_before(Person *people, unsigned char *done, int count, const unsigned char *name, Py_ssize_t size,
                      bint all_) noexcept nogil:
    # The first in order of those not *done* whose names come before *name*, or of all; NO where there is none.
    cdef int found = NO, i
    for i in range(count):
        if done[i] or not (all_ or compared(people[i].address, people[i].size, name, size) < 0):
            continue
        if found < 0 or compared(people[i].address, people[i].size, people[found].address, people[found].size) < 0:
            found = i
    return found


cdef inline unsigned char *put_far(unsigned char *to, int kind, int64_t at, const unsigned char *name,
                                   Py_ssize_t size) noexcept nogil:
    to[0] = kind
    to = put_big(put_big(to + 1, at, 8), size, 4)
    memcpy(to, name, size)
    return to + size


cdef inline unsigned char *put_hex(unsigned char *to, const unsigned char *found) noexcept nogil:
    cdef int i
    cdef const char *digits = b"0123456789abcdef"
    for i in range(DIGEST):
        to[2 * i] = digits[found[i] >> 4]
        to[2 * i + 1] = digits[found[i] & 15]
    return to + 2 * DIGEST


cdef inline unsigned char *put_maybe(unsigned char *to, object text) noexcept:
    # Write a ["null", "string"].
    if text is None:
        to[0] = 0
        return to + 1
    to[0] = 2
    return put_text(to + 1, start_of(text), PyBytes_GET_SIZE(text))


cdef inline bytes joined_bytes(const unsigned char *own, Py_ssize_t n_own, const unsigned char *send, Py_ssize_t n_send,
                               const unsigned char *event, Py_ssize_t n_event):
    cdef bytes whole = PyBytes_FromStringAndSize(NULL, n_own + n_send + n_event + 2)
    cdef unsigned char *to = <unsigned char *>PyBytes_AS_STRING(whole)
    memcpy(to, own, n_own)
    to += n_own
    to[0] = 2
    memcpy(to + 1, send, n_send)
    to += 1 + n_send
    to[0] = 2
    memcpy(to + 1, event, n_event)
    return whole
