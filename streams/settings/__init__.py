"""What an operator can set: words.py says what there is, load.py where it comes from.

`load_settings()` is the one way in. Nothing below this floor (mail, topics, schemas) may know a setting.
"""

from __future__ import annotations

from streams.settings.group import Group
from streams.settings.kafka import Compression, Engine, Producer, Protocol, SaslMechanism, Security
from streams.settings.load import Loaded, Origin, Setting, choose_file, known, load, load_settings
from streams.settings.words import (
    Dispatch,
    Join,
    Log,
    LogFormat,
    LogLevel,
    MetricSettings,
    SchemaRegistry,
    Settings,
    Suppression,
    Web,
)

__all__ = [
    "Compression",
    "Dispatch",
    "Engine",
    "Group",
    "Join",
    "Loaded",
    "Log",
    "LogFormat",
    "LogLevel",
    "MetricSettings",
    "Origin",
    "Producer",
    "Protocol",
    "SaslMechanism",
    "SchemaRegistry",
    "Security",
    "Setting",
    "Settings",
    "Suppression",
    "Web",
    "choose_file",
    "known",
    "load",
    "load_settings",
]
