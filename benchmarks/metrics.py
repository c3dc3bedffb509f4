"""What chatserver counts by itself, read from its ``/metrics``."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Counted:
    """Since the server's start: messages, and the seconds that hooks took, by ``plugin.hook``."""

    messages: float
    hook_seconds: dict[str, float]

    def costs_since(self, earlier: Counted) -> dict[str, float]:
        """Seconds a message of each hook that was called in between."""
        messages = max(1.0, self.messages - earlier.messages)
        grown = {
            hook: seconds - earlier.hook_seconds.get(hook, 0.0) for hook, seconds in self.hook_seconds.items()
        }
        return {hook: seconds / messages for hook, seconds in grown.items() if seconds > 0}


def read(port: int) -> Counted:
    """The counters of the server on ``port``."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    messages, seconds = 0.0, {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "chatserver_messages_total":
                messages = sample.value
            elif sample.name == "chatserver_hook_seconds_total":
                seconds[f"{sample.labels['plugin']}.{sample.labels['hook']}"] = sample.value
    return Counted(messages, seconds)
