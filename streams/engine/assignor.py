"""Who gets which partition: Faust's assignor, which also carries where each worker's HTTP port is.

Each member of the group says its URL when it joins, and hears with its share which URL has which partition: so any
worker knows whom to ask for a key. A worker with a name (`engine.instance_id`) that comes back within its session gets
the share that was made for its life before, under the URL that it had then. Faust asserts that the two are the same,
and a pod's address never is: that worker would die at every start until its session is over.
"""

from __future__ import annotations

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor
from yarl import URL


class Assignor(PartitionAssignor):
    """Faust's, and it takes a share that was made for the URL of a life before."""

    _called: URL | None = None

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Take our share. The group goes on calling us what we were called until it shares anew."""
        self._called = URL(ClientMetadata.loads(self._decompress(assignment.user_data)).url)
        try:
            super().on_assignment(assignment)
        finally:
            self._called = None

    @property
    def _url(self) -> URL:
        return super()._url if self._called is None else self._called
