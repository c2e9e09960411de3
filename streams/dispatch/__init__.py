"""How mail gets out: may we (gate), how fast (pace), by which road (api, smtp), and did it go (doubt)."""
