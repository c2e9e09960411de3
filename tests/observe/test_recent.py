"""What hop 2 said of people of late: few, newest first, and named only for those who may see it."""

from __future__ import annotations

from streams.emit.records import loop_record, suppression_record
from streams.mail.loop import LoopEvidence, LoopFlag
from streams.mail.outcome import OutcomeKind
from streams.mail.suppression import Evidence, Suppression, SuppressionReason
from streams.observe.fingerprint import Fingerprints
from streams.observe.recent import KEPT, Recent, Said
from streams.pipeline import Batch
from tests.builders import CODEC, DAY, NOON

ANN = "ann@example.com"


def recent() -> Recent:
    return Recent(CODEC, Fingerprints(b"key"), lambda: NOON)


def suppressed(address: str = ANN) -> bytes:
    proof = Evidence(message_id="m-1", kind=OutcomeKind.HARD_BOUNCED, status="5.1.1", at=NOON - 1)
    older = Evidence(message_id="m-0", kind=OutcomeKind.SOFT_BOUNCED, at=NOON - 2)
    said = Suppression(recipient=address, reason=SuppressionReason.HARD_BOUNCE, since=NOON, evidence=(older, proof))
    return CODEC.encode("mail.Suppression", suppression_record(said))


def looping() -> bytes:
    flag = LoopFlag(
        recipient=ANN,
        local_address="shop@example.org",
        replies=3,
        window_seconds=3600,
        since=NOON,
        until=NOON + DAY,
        evidence=(LoopEvidence(message_id="m-2", at=NOON),),
    )
    return CODEC.encode("mail.LoopFlag", loop_record(flag))


def test_a_suppression_is_kept_with_its_reason_and_its_evidence_newest_first() -> None:
    kept = recent()
    kept.saw({"suppressions": Batch([ANN.encode()], [suppressed()])})
    (notice,) = kept.notices(named=True)
    assert (notice.at, notice.said, notice.address, notice.reason) == (NOON, Said.SUPPRESSED, ANN, "HARD_BOUNCE")
    assert notice.evidence == (("m-1", "HARD_BOUNCED", "5.1.1"), ("m-0", "SOFT_BOUNCED", None))


def test_whoever_may_not_see_people_gets_a_fingerprint() -> None:
    kept = recent()
    kept.saw({"suppressions": Batch([ANN.encode()], [suppressed()]), "loops": Batch([ANN.encode()], [looping()])})
    told = kept.notices(named=False)
    assert [notice.address for notice in told] == [None, None]
    assert {notice.who for notice in told} == {Fingerprints(b"key").of(ANN)}
    assert "ann@" not in repr(told)


def test_nulls_are_releases_and_the_newest_comes_first() -> None:
    kept = recent()
    kept.saw({"suppressions": Batch([ANN.encode()], [suppressed()]), "outcomes": Batch([b"other"], [b"x"])})
    kept.saw({"loops": Batch([ANN.encode()], [looping()])})
    kept.saw({"loops": Batch([ANN.encode()], [None]), "suppressions": Batch([ANN.encode()], [None])})
    assert [notice.said for notice in kept.notices(named=False)] == [
        Said.CLEARED,
        Said.RELEASED,
        Said.LOOPING,
        Said.SUPPRESSED,
    ]
    assert kept.notices(named=False)[2].replies == 3


def test_a_flood_keeps_the_last_few() -> None:
    kept = recent()
    people = [f"p{number}@example.com".encode() for number in range(3 * KEPT)]
    kept.saw({"suppressions": Batch([*people], [None] * len(people))})
    assert [n.address for n in kept.notices(named=True)] == [key.decode() for key in reversed(people[-KEPT:])]


def test_what_cannot_be_read_is_passed_over() -> None:
    kept = recent()
    kept.saw({"suppressions": Batch([ANN.encode()], [b"garbled"])})
    assert kept.notices(named=True) == []
