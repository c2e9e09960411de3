"""The road by SQS: queues are polled, what their messages become lands in Kafka, and only then are they deleted.

No signature is checked on this road, also not of SNS's envelopes inside: SNS signs for those who are reached over the
open internet, while a message got into the queue only because the queue's policy let its sender in. That policy is
the trust: let nobody send but your topics, by `aws:SourceArn`.
"""
