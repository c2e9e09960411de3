"""An SES to run at home: its API, its SMTP interface, its mailbox simulator, and the events that follow."""
