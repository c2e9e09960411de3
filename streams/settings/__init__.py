"""What an operator can set: words.py says what there is, load.py where it comes from.

`load_settings()` is the one way in. Nothing below this floor (mail, topics, schemas) may know a setting.
"""

from __future__ import annotations

from streams.settings.dispatch import Breaker, Dispatch, Smtp, SmtpTls, Via
from streams.settings.group import Group
from streams.settings.intake import Intake, Objects, Sns, Sqs
from streams.settings.kafka import Compression, Engine, Producer, Protocol, SaslMechanism, Security
from streams.settings.load import Loaded, Origin, Setting, choose_file, known, load, load_settings
from streams.settings.unsubscribe import Unsubscribe
from streams.settings.words import (
    Join,
    Log,
    LogFormat,
    LogLevel,
    Loops,
    MetricSettings,
    Retry,
    SchemaRegistry,
    Settings,
    Suppression,
    Web,
)

__all__ = [
    "Breaker",
    "Compression",
    "Dispatch",
    "Engine",
    "Group",
    "Intake",
    "Join",
    "Loaded",
    "Log",
    "LogFormat",
    "LogLevel",
    "Loops",
    "MetricSettings",
    "Objects",
    "Origin",
    "Producer",
    "Protocol",
    "Retry",
    "SaslMechanism",
    "SchemaRegistry",
    "Security",
    "Setting",
    "Settings",
    "Smtp",
    "SmtpTls",
    "Sns",
    "Sqs",
    "Suppression",
    "Unsubscribe",
    "Via",
    "Web",
    "choose_file",
    "known",
    "load",
    "load_settings",
]
