"""The main job on candles, shown end to end: a whole installation, REST only, and a statement of its own to compare."""
