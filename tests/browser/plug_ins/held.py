"""A memory that stands still as long as a file named `hold` lies in the app's data folder.

A comparison with it is on its way for just as long as a test needs. It waits in workers alone: the app itself, which
has Streamlit, only looks whether a memory asks a model.
"""

import os
import sys
import time
from pathlib import Path

from memory.base import Memory, Recall


class Held(Memory):
    """Sends nothing, and goes on when it is let."""

    short = "held"
    label = "Held"
    keeps = "nothing"
    forgets = "everything"
    costs = "nothing"
    stateful = True

    def read(self, state, transcript, query, services, budget):
        return Recall()

    def write(self, state, transcript, services, recall):
        while "streamlit" not in sys.modules and (Path(os.environ["MEMORY_INSPECTOR_HOME"]) / "hold").exists():
            time.sleep(0.05)
        return state
