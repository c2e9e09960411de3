"""The front door of the intake: settings become a landing, roads and a web server, and one process runs them.

It holds no rule: it says what is connected to what. Unlike a worker it has no Faust, no table and no group: any number
of these may run, and one that dies loses nothing, since SNS and SQS bring again what was not answered or deleted.
"""
