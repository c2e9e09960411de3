"""The roads by which SES's events come in while we listen: SNS by HTTPS, SQS, objects in S3, one-click unsubscribes."""
