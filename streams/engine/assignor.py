"""Who gets which partition: Faust's assignor, which also carries where each worker's HTTP port is.

Each member of the group says its URL when it joins, and hears with its share which URL has which partition: so any
worker knows whom to ask for a key. A worker with a name (`engine.instance_id`) that comes back within its session gets
the share that was made for its life before, under the URL that it had then. Faust asserts that the two are the same,
and a pod's address never is: that worker would die at every start until its session is over.

Faust rounds a share up, and with standbys lets everybody keep so much: of two workers with two partitions each a third
one gets none, and of twelve with two each none gets one until there are twenty-four. So shares are evened out here.
"""

from __future__ import annotations

from collections.abc import MutableMapping

import faust.assignor.partition_assignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientMetadata, CopartitionedAssignment
from faust.assignor.copartitioned_assignor import CopartitionedAssignor
from faust.assignor.partition_assignor import PartitionAssignor
from yarl import URL


class EvenShares(CopartitionedAssignor):
    """Faust's, and no two shares differ by more than one; what is even stays where it is."""

    def get_assignment(self) -> MutableMapping[str, CopartitionedAssignment]:
        """Return the shares: actives first, to whoever stands by for them where there is room; then standbys."""
        for active in (True, False):
            self._unassign_overassigned(active)
            room = self._room(active=active)
            for partition in self._get_unassigned(active):
                self._give(partition, room, active=active)
        return self._client_assignments

    def _room(self, *, active: bool) -> dict[str, int]:
        """Take from whoever has more than an even share, and return how much more each may have."""
        total = self.num_partitions * self._total_assigns_per_partition(active)
        least, more = divmod(total, self._num_clients)
        held = {name: one.get_assigned_partitions(active) for name, one in self._client_assignments.items()}
        room = {}
        for place, name in enumerate(sorted(held, key=lambda name: (-len(held[name]), name))):
            share = least + (place < more)  # those who have most keep the one more: nothing moves for it
            for partition in sorted(held[name])[share:]:
                held[name].remove(partition)
            room[name] = share - len(held[name])
        return room

    def _give(self, partition: int, room: dict[str, int], *, active: bool) -> None:
        """Give a partition to whoever knows it and has room, else to whoever has most room, if need be beyond it."""
        able = [name for name in sorted(room) if self._client_assignments[name].can_assign(partition, active)]
        taker = max(able, key=lambda name: (room[name] > 0, self._stands_by(name, partition), room[name]))
        shares = self._client_assignments[taker]
        if self._stands_by(taker, partition):
            shares.unassign_partition(partition, active=False)
        shares.assign_partition(partition, active)
        room[taker] -= 1

    def _stands_by(self, name: str, partition: int) -> bool:
        return self._client_assignments[name].partition_assigned(partition, active=False)


faust.assignor.partition_assignor.CopartitionedAssignor = EvenShares  # type: ignore[attr-defined] # Faust has no slot for it


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
