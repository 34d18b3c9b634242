"""The parts of the page that teaches: the list, a step beside the live conversation, the end, a class's link."""
