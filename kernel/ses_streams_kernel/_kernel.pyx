# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, freethreading_compatible=False
"""The short way of hops 1 and 2, compiled: the ordinary record of an ordinary mail never becomes an object.

It holds no rule. Layouts come from the schemas, verdicts from streams/decide, and whatever is out of the ordinary goes
back to Python, in its place and in order; so the same chunk leads to the same effects with it and without it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

include "walk.pxi"
include "digest.pxi"
include "chunks.pxi"
include "sends.pxi"
include "feedback.pxi"
include "people.pxi"
include "partition.pxi"
include "columns.pxi"
